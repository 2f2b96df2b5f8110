import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { renderPage } from "../../../../bench/report/page.ts";
import { planPlots } from "../../../../bench/report/plots.ts";
import { describeConclusion } from "../../../../bench/tune/conclusion.ts";
import { loadPoint, resultOf } from "../results.ts";

const tuned = {
  ...resultOf("tune", [
    {
      ...loadPoint({ outstanding: 64, durability: "strict" }, 9_000, 20),
      remark: "default, baseline",
    },
    { ...loadPoint({ outstanding: 32, durability: "strict" }, 7_000, 4), remark: "front" },
    {
      ...loadPoint({ outstanding: 64, durability: "pipelined" }, 20_000, 5),
      remark: "front, chosen, calls failed: 1 × ERR_BUSY",
    },
  ]),
  options: { p99: 5 },
};

test("the conclusion names the chosen options, the front and what the defaults reach", () => {
  const goal = { kind: "p99", atMostMs: 5 } as const;
  const text = stripVTControlCharacters(describeConclusion(tuned, goal));
  assert.match(text, /For the most throughput with a p99 of at most 5 ms:/);
  assert.match(text, /20,000 proposals\/s at a p99 of 5\.00 ms, with 64 proposals in flight/);
  assert.match(text, /9,000 proposals\/s at a p99 of 20\.0 ms with the default options under the/);
  assert.match(text, /\{\n {2}durability: "pipelined",\n\}$/);
  assert.match(text, /│ +7,000 │ +4\.00 │ +32 │ +strict │/);
  const missed = describeConclusion(tuned, { kind: "p99", atMostMs: 1 });
  assert.match(missed, /Nothing that was tried has a p99 of at most 1 ms\. The nearest:/);
});

test("a page of a search begins with its conclusion and the options to paste", () => {
  const page = renderPage([tuned]);
  const [head = "", rest = ""] = page.split("For Engine.open:");
  assert.match(head, /20,000 proposals\/s/);
  assert.ok(!head.includes("<figure>") && !head.includes("<table>"));
  assert.match(rest, /^\n\{\n {2}durability: &quot;pipelined&quot;,\n\}/);
});

test("what was not compared with the defaults in time is not recommended", () => {
  const points = tuned.points.map((point) => {
    return { ...point, remark: point.remark?.replace("chosen", "chosen, unproven") ?? "" };
  });
  const text = describeConclusion({ ...tuned, points }, { kind: "p99", atMostMs: 5 });
  assert.match(text, /Time ran out before it was compared with the defaults/);
  assert.match(text, /\{\n {2}durability: "strict",\n\}$/);
});

test("the plot of a search holds all trials, the front, the limit, the defaults and the chosen", () => {
  const [plot] = planPlots([tuned]);
  assert.ok(plot?.chart.kind === "lines");
  assert.deepEqual(
    plot.chart.series.map(({ name, points }) => [name, points]),
    [
      [
        "measured",
        [
          [9_000, 20],
          [7_000, 4],
          [20_000, 5],
        ],
      ],
      [
        "Pareto front",
        [
          [7_000, 4],
          [20_000, 5],
        ],
      ],
      ["defaults", [[9_000, 20]]],
      ["chosen", [[20_000, 5]]],
    ],
  );
  assert.deepEqual(plot.chart.references, [{ name: "at most 5 ms", axis: "y", value: 5 }]);
});
