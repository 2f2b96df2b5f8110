/** Which plots results make: chosen by what was varied, so that every benchmark finds its own. */
import type { BenchResult } from "../lib/result.ts";
import { planBars } from "./bar-plot.ts";
import type { Plot } from "./chart.ts";
import { planLoad } from "./load-plot.ts";
import { rowsOf } from "./rows.ts";
import { planSweeps } from "./sweep-plot.ts";
import { planTune } from "./tune-plot.ts";

/** The plots of all results, by benchmark in the order of the results. */
export function planPlots(results: readonly BenchResult[]): Plot[] {
  const benches = [...new Set(results.map(({ bench }) => bench))];
  const plots = benches.flatMap((bench) => {
    const own = results.filter((result) => result.bench === bench);
    if (bench === "tune") return own.flatMap(planTune);
    const rows = rowsOf(own);
    const sweeps = planSweeps(bench, rows);
    const bars = sweeps.length === 0 ? planBars(bench, rows) : [];
    return [...planLoad(bench, rows), ...sweeps, ...bars];
  });
  return withOwnIds(plots);
}

function withOwnIds(plots: readonly Plot[]): Plot[] {
  const used = new Map<string, number>();
  return plots.map((plot) => {
    const count = (used.get(plot.id) ?? 0) + 1;
    used.set(plot.id, count);
    return count === 1 ? plot : { ...plot, id: `${plot.id}-${count}` };
  });
}
