import assert from "node:assert/strict";
import { test } from "node:test";
import type { Chart } from "../../../../bench/report/chart.ts";
import { planPlots } from "../../../../bench/report/plots.ts";
import { figure } from "../../../../bench/lib/result.ts";
import { loadPoint, resultOf } from "../results.ts";

function describe(chart: Chart): string[] {
  const lines =
    chart.kind === "bars"
      ? chart.series.map(({ name, values }) => `${name}: ${values.join(" ")}`)
      : chart.series.map(({ name, points }) => `${name}: ${points.map(String).join(" ")}`);
  return [chart.title, ...lines];
}

test("a grid is shown along each setting that varies, one line for each of the others", () => {
  const points = [1, 100].flatMap((groups) =>
    [16, 1_024].map((valueBytes) => loadPoint({ groups, valueBytes }, groups * 1_000 + valueBytes)),
  );
  const plots = planPlots([resultOf("throughput", points)]);
  assert.deepEqual(
    plots.map(({ chart }) => describe(chart)),
    [
      [
        "Throughput against groups",
        "16 B values: 1,1016 100,100016",
        "1 KiB values: 1,2024 100,101024",
      ],
      [
        "Throughput against value size",
        "1 group: 16,1016 1024,2024",
        "100 groups: 16,100016 1024,101024",
      ],
    ],
  );
});

test("points of several runs make one line, and a place measured twice makes two", () => {
  const run = (groups: number, startedAt: string): ReturnType<typeof resultOf> => ({
    ...resultOf("throughput", [loadPoint({ groups }, groups)]),
    startedAt,
  });
  const one = planPlots([run(100, "2026-01-01"), run(1, "2026-01-02")]);
  assert.deepEqual(
    one.map(({ chart }) => describe(chart)),
    [["Throughput against groups", "throughput: 1,1 100,100"]],
  );
  const first = resultOf("throughput", [loadPoint({ groups: 1 }, 1), loadPoint({ groups: 2 }, 2)]);
  const second = { ...first, startedAt: "2026-01-03T00:00:00.000Z" };
  const [two] = planPlots([first, second]);
  assert.deepEqual(two && describe(two.chart), [
    "Throughput against groups",
    "2026-01-02 03:04:05: 1,1 2,2",
    "2026-01-03 00:00:00: 1,1 2,2",
  ]);
});

test("latency is held against throughput, over rates and over outstanding proposals", () => {
  const points = (name: string): ReturnType<typeof loadPoint>[] =>
    [10, 20].map((load) => loadPoint({ [name]: load }, load * 5, load));
  const plots = planPlots([
    resultOf("latency", points("rate")),
    resultOf("throughput", points("outstanding")),
  ]);
  const expected = ["Latency against throughput", "p50: 50,2.5 100,5", "p99: 50,10 100,20"];
  const [first, second] = plots.filter(({ id }) => id.endsWith("-load"));
  assert.deepEqual(first && describe(first.chart), expected);
  assert.deepEqual(second && describe(second.chart), expected);
});

test("peers are bars, the best on top, though they differ in their versions too", () => {
  const [plot] = planPlots([
    resultOf("peers", [
      loadPoint({ peer: "slow", version: "9" }, 1_000),
      loadPoint({ peer: "flotilla", version: "1" }, 900_000),
    ]),
  ]);
  assert.ok(plot?.chart.kind === "bars");
  assert.deepEqual(plot.chart.categories, ["flotilla", "slow"]);
  assert.equal(plot.chart.emphasized, "flotilla");
  assert.deepEqual(describe(plot.chart), ["Peers: throughput by peer", "throughput: 900000 1000"]);
});

test("more lines than can be told apart are spread over several plots", () => {
  const points = [1, 2].flatMap((groups) =>
    [1, 2, 3].flatMap((shards) =>
      [1, 2, 3].map((nodes) => loadPoint({ groups, shards, nodes }, groups * shards * nodes)),
    ),
  );
  const charts = planPlots([resultOf("throughput", points)]).filter(({ id }) =>
    id.startsWith("throughput-groups"),
  );
  assert.deepEqual(
    charts.map(({ chart }) => [chart.subtitle, chart.series.length]),
    [
      ["strict, 1 shard", 3],
      ["strict, 2 shards", 3],
      ["strict, 3 shards", 3],
    ],
  );
});

test("a floor in the same figure is a line across, in the plot's unit, at its best point", () => {
  const floors = [90, 60].map((us, at) => ({
    settings: { floor: "roundTrip", bytes: at },
    figures: { p50: figure([us], "us", "lower") },
  }));
  const points = [10, 20].map((rate) => loadPoint({ rate }, rate, 2));
  const [plot] = planPlots([{ ...resultOf("latency", points), floors }]);
  assert.ok(plot?.chart.kind === "lines");
  assert.deepEqual(plot.chart.references, [
    { name: "floor: round trip (p50)", axis: "y", value: 0.06 },
  ]);
});
