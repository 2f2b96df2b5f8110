/** Every point of a result as a table. */
import { commonSettings } from "../lib/wording.ts";
import type { BenchResult, Figure, Point } from "../lib/result.ts";
import { formatNumber } from "../lib/number-format.ts";
import { describeSetting, formatSetting, nameInWords, unitInWords } from "./format.ts";
import { html } from "./html.ts";
import type { Markup } from "./html.ts";

export function tableOf(points: readonly Point[]): Markup {
  const common = points.length > 1 ? commonSettings(points) : {};
  const settings = namesOf(points.map((point) => point.settings)).filter(
    (name) => !Object.hasOwn(common, name),
  );
  const figures = namesOf(points.map((point) => point.figures));
  const remarks = points.some(({ remark }) => remark !== undefined && remark !== "");
  const heads = [
    ...settings.map((name) => html`<th class="setting">${nameInWords(name)}</th>`),
    ...figures.map((name) => headOf(name, points)),
    ...(remarks ? [html`<th class="remark">remark</th>`] : []),
  ];
  const lines = points.map((point) => {
    const cells = [
      ...settings.map((name) => settingCell(name, point.settings[name])),
      ...figures.map((name) => figureCell(point.figures[name])),
      ...(remarks ? [html`<td class="remark">${point.remark ?? ""}</td>`] : []),
    ];
    return html`<tr>${cells}</tr>\n`;
  });
  const said = Object.entries(common).map(([name, value]) => describeSetting(name, value));
  return html`<p>${said.join(", ")}</p>
<div class="scroll"><table><thead><tr>${heads}</tr></thead>
<tbody>
${lines}</tbody></table></div>`;
}

function namesOf(records: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))];
}

function headOf(name: string, points: readonly Point[]): Markup {
  const units = new Set(points.flatMap(({ figures }) => figures[name]?.unit ?? []));
  const unit = [...units].filter((text) => text !== "").map(unitInWords);
  const text = unit.length === 0 ? "" : html`<span class="unit">${unit.join(", ")}</span>`;
  return html`<th class="figure">${nameInWords(name)} ${text}</th>`;
}

function settingCell(name: string, value: string | number | undefined): Markup {
  const kind = typeof value === "number" ? "setting number" : "setting";
  return html`<td class="${kind}">${value === undefined ? "" : formatSetting(name, value)}</td>`;
}

/** The median, and below it from where to where the samples went. */
function figureCell(figure: Figure | undefined): Markup {
  if (figure === undefined) return html`<td class="number"></td>`;
  const { samples, value } = figure;
  const least = formatNumber(Math.min(...samples));
  const most = formatNumber(Math.max(...samples));
  const spread =
    samples.length > 1 && least !== most ? html`<small>${least} – ${most}</small>` : "";
  return html`<td class="number">${formatNumber(value)}${spread}</td>`;
}

/** What one must know of a run to judge its points. */
export function describeRun(result: BenchResult): Markup {
  const options = Object.entries(result.options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => html`<dt>${nameInWords(name)}</dt><dd>${describeOption(value)}</dd>`);
  const durability = result.durability === "" ? "nothing stored" : result.durability;
  const facts = [
    durability,
    `${formatNumber(result.seconds)} s`,
    result.startedAt.slice(0, 16).replace("T", " "),
    `commit ${result.commit.slice(0, 12)}${result.commit.includes(" ") ? " with changes" : ""}`,
  ];
  return html`<p class="run">${facts.join(" · ")}</p>
<details><summary>options</summary><dl>${options}</dl></details>`;
}

function describeOption(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
