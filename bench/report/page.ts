/** The report: one page that holds everything it shows. */
import type { BenchResult, Machine } from "../lib/result.ts";
import { plainConclusion } from "../tune/conclusion.ts";
import type { Plot } from "./chart.ts";
import { drawInline } from "./draw.ts";
import { formatBytes } from "./format.ts";
import { Markup, html } from "./html.ts";
import { fontStack, paletteCss } from "./palette.ts";
import { planPlots } from "./plots.ts";
import { describeRun, tableOf } from "./table.ts";

const style = `${paletteCss}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1480px;padding:32px 28px 80px;background:var(--paper);color:var(--ink);
font:15px/1.5 ${fontStack};-webkit-text-size-adjust:100%}
h1{font-size:30px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:21px;margin:52px 0 14px;padding-top:14px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:26px 0 2px}
p{margin:4px 0}
.run{margin-top:26px}
a{color:var(--s0);text-decoration:none}
a:hover{text-decoration:underline}
.lead,.run,summary,.unit,small{color:var(--soft)}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:18px 0 0}
.machines{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(420px,100%),1fr));gap:16px;margin-top:22px;max-width:1100px}
.machine,figure{background:var(--panel);border-radius:10px;border:1px solid var(--line)}
.machine{padding:14px 18px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(560px,100%),1fr));gap:18px;align-items:start}
figure{margin:0;padding:6px;max-width:860px}
figure svg{display:block;width:100%;height:auto}
.scroll{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;white-space:nowrap}
th{font-weight:600;text-align:right;vertical-align:bottom;border-bottom:2px solid var(--line)}
th,td{padding:5px 20px 5px 0}
td{border-bottom:1px solid var(--line);vertical-align:top}
th.setting,td.setting,.remark{text-align:left}
td.number{text-align:right}
td.remark{white-space:normal;min-width:16em}
small{display:block;font-size:11px;line-height:1.2}
.unit{font-weight:400}
pre{margin:14px 0;padding:14px 18px;overflow-x:auto;background:var(--panel);border-radius:10px;border:1px solid var(--line)}
details{font-size:13.5px;margin:2px 0 6px}
summary{cursor:pointer}
@media print{body{max-width:none;padding:0}figure,tr{break-inside:avoid}}`;

export function renderPage(results: readonly BenchResult[]): string {
  const plots = planPlots(results);
  const benches = [...new Set(results.map(({ bench }) => bench))].sort(byReading);
  const links = benches.map((bench) => html`<a href="#${bench}">${titleOf(bench)}</a>`);
  const sections = benches.map((bench) => {
    const own = results.filter((result) => result.bench === bench);
    return sectionOf(bench, own, plots);
  });
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>flotilla benchmarks</title>
<style>${new Markup(style)}</style>
</head>
<body>
<h1>flotilla benchmarks</h1>
${headOf(results)}
<nav>${links}</nav>
${sections}
</body>
</html>
`.text;
}

/** What most want to know first; what is not listed comes last, in the order of the results. */
const order = ["throughput", "latency", "reads", "mixed", "peers", "failover", "restart", "idle"];

function byReading(a: string, b: string): number {
  const place = (bench: string): number => [...order, bench].indexOf(bench);
  return place(a) - place(b);
}

function titleOf(bench: string): string {
  const words = bench.replaceAll("-", " ");
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

function headOf(results: readonly BenchResult[]): Markup {
  const days = [...new Set(results.map(({ startedAt }) => startedAt.slice(0, 10)))].sort();
  const commits = [...new Set(results.map(({ commit }) => commit))];
  const when = days.length > 1 ? `${days[0]} to ${days.at(-1)}` : (days[0] ?? "");
  const machines = new Map(results.map(({ machine }) => [JSON.stringify(machine), machine]));
  return html`<p class="lead">${when} · commit ${commits.join(", ")}</p>
<div class="machines">${[...machines.values()].map(machineOf)}</div>`;
}

function machineOf(machine: Machine): Markup {
  const facts = [
    ["processor", machine.cpu],
    ["cores", String(machine.cores)],
    ["memory", formatBytes(machine.memoryBytes)],
    ["system", machine.system],
    ["Node.js", machine.node],
    ["disk", machine.disk],
  ];
  const lines = facts.map(([name = "", value = ""]) => html`<dt>${name}</dt><dd>${value}</dd>`);
  return html`<dl class="machine">${lines}</dl>`;
}

function sectionOf(bench: string, results: readonly BenchResult[], plots: readonly Plot[]): Markup {
  const figures = plots
    .filter((plot) => plot.bench === bench)
    .map(({ chart }) => html`<figure>${new Markup(drawInline(chart))}</figure>\n`);
  const tables = results.map((result) => {
    const floors =
      result.floors.length === 0
        ? ""
        : html`<h3>Floors of the machine, same run</h3>
${tableOf(result.floors)}`;
    return html`${describeRun(result)}
${tableOf(result.points)}
${floors}`;
  });
  // What a reader of a search wants first is its result, as options to paste.
  const conclusions =
    bench === "tune" ? results.map((result) => html`<pre>${plainConclusion(result)}</pre>\n`) : [];
  return html`<section id="${bench}">
<h2>${titleOf(bench)}</h2>
${conclusions}<div class="plots">${figures}</div>
${tables}
</section>
`;
}
