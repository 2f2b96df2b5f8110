/** Makes one measurement of several runs of the same benchmark. */
import type { Measured } from "./command.ts";
import { figure } from "./result.ts";
import type { Figure, Point } from "./result.ts";

/** Of each point every run's samples together; its figures' values are their medians. */
export function mergeRuns(runs: readonly Measured[]): Required<Measured> {
  return {
    durability: [...new Set(runs.map(({ durability }) => durability))].join(", "),
    floors: mergePoints(runs.flatMap(({ floors }) => floors ?? [])),
    points: mergePoints(runs.flatMap(({ points }) => points)),
  };
}

/** Tells a point from the others of its run, and finds it again in another run. */
export function settingsKey({ settings }: Pick<Point, "settings">): string {
  return JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of points with the same settings one, with the samples of all. */
export function mergePoints(points: readonly Point[]): Point[] {
  const first = new Map<string, Point>();
  for (const point of points)
    if (!first.has(settingsKey(point))) first.set(settingsKey(point), point);
  return [...first].map(([key, point]) => {
    return mergePoint(
      points.filter((other) => settingsKey(other) === key),
      point,
    );
  });
}

function mergePoint(all: readonly Point[], { settings }: Point): Point {
  const names = new Set(all.flatMap(({ figures }) => Object.keys(figures)));
  const figures: Record<string, Figure> = {};
  for (const name of names) {
    const same = all.flatMap((point) => point.figures[name] ?? []);
    const [{ unit, better } = { unit: "", better: "neither" as const }] = same;
    const samples = same.flatMap((one) => one.samples);
    figures[name] = figure(samples, unit, better);
  }
  const remark = [...new Set(all.flatMap((point) => point.remark ?? []))].join("; ");
  return { settings, figures, ...(remark !== "" && { remark }) };
}
