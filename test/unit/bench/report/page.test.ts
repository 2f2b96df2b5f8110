import assert from "node:assert/strict";
import { test } from "node:test";
import type { BenchResult } from "../../../../bench/lib/result.ts";
import { figure } from "../../../../bench/lib/result.ts";
import { drawFile } from "../../../../bench/report/draw.ts";
import { formatNumber } from "../../../../bench/lib/number-format.ts";
import { renderPage } from "../../../../bench/report/page.ts";
import { planPlots } from "../../../../bench/report/plots.ts";
import { loadPoint, resultOf } from "../results.ts";

const everyBench: readonly BenchResult[] = [
  resultOf(
    "throughput",
    [1, 10, 1_000].flatMap((groups) =>
      [64, 4_096].map((outstanding) =>
        loadPoint({ groups, outstanding }, groups * outstanding + 7, outstanding / 100),
      ),
    ),
  ),
  resultOf(
    "latency",
    [100, 10_000].map((rate) => loadPoint({ rate }, rate - 1, 3)),
  ),
  resultOf("peers", [
    loadPoint({ peer: "flotilla", version: "1" }, 654_321),
    { ...loadPoint({ peer: "another", version: "2" }, 12_345), remark: "one <b>log</b> & more" },
  ]),
  resultOf("restart", [
    { settings: { groups: 10_000 }, figures: { open: figure([1_234.5], "ms", "lower") } },
  ]),
  resultOf("empty", []),
];

test("the page holds every point of every result, and where it was measured", () => {
  const page = renderPage(everyBench);
  for (const { points, machine, commit } of everyBench) {
    for (const { figures, settings } of points) {
      for (const { value } of Object.values(figures)) {
        assert.ok(page.includes(`<td class="number">${formatNumber(value)}`), formatNumber(value));
      }
      for (const value of Object.values(settings)) {
        const text = typeof value === "number" ? value.toLocaleString("en") : value;
        assert.ok(page.includes(`>${text}</td>`), text);
      }
    }
    for (const text of [
      ...Object.values(machine).slice(0, 1),
      machine.disk,
      machine.node,
      commit,
    ]) {
      assert.ok(page.includes(String(text)), String(text));
    }
  }
});

test("the page needs no script and nothing from elsewhere, and a text cannot become markup", () => {
  const page = renderPage(everyBench).replaceAll('xmlns="http://www.w3.org/2000/svg"', "");
  assert.doesNotMatch(page, /https?:|<script|<link|@import|src=|url\((?!#)/);
  assert.ok(page.includes("one &lt;b&gt;log&lt;/b&gt; &amp; more"));
});

test("each drawing has ids of its own, so that they can stand in one page", () => {
  const ids = [...renderPage(everyBench).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
});

test("a drawing's file is complete by itself: one element with its colours", () => {
  const plots = planPlots(everyBench);
  assert.ok(plots.length >= 6);
  assert.equal(new Set(plots.map(({ id }) => id)).size, plots.length);
  for (const { chart } of plots) {
    const svg = drawFile(chart);
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"[^>]*><style>:root\{/);
    assert.match(svg, /<\/svg>\n$/);
    const used = [...svg.matchAll(/var\((--\w+)\)/g)].map(([, name]) => name);
    for (const name of used) assert.ok(svg.includes(`${name}:#`), name);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  }
});
