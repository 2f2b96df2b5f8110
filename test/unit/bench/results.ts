/** Results to work on. */
import type { BenchResult, Figure, Point } from "../../../bench/lib/result.ts";
import { figure } from "../../../bench/lib/result.ts";

export function point(settings: Point["settings"], figures: Record<string, Figure>): Point {
  return { settings, figures };
}

export function result(points: readonly Point[], more: Partial<BenchResult> = {}): BenchResult {
  return {
    format: 1,
    bench: "throughput",
    machine: {
      cpu: "a cpu",
      cores: 2,
      memoryBytes: 2 ** 30,
      system: "Linux 6.1 x64",
      node: "v20.0.0",
      disk: "ext4 on /dev/vda",
    },
    commit: "0123456789abcdef",
    startedAt: "2026-01-02T03:04:05.000Z",
    seconds: 1,
    options: { repeat: 2 },
    durability: "strict",
    floors: [],
    points,
    ...more,
  };
}

export function rate(...samples: readonly number[]): Figure {
  return figure(samples, "/s", "higher");
}

export function resultOf(bench: string, points: readonly Point[]): BenchResult {
  return result(points, { bench });
}

/** A point of a loaded cluster. */
export function loadPoint(settings: Point["settings"], throughput: number, p99 = 10): Point {
  return point(settings, {
    throughput: rate(throughput * 0.9, throughput, throughput * 1.1),
    p50: figure([p99 / 4], "ms", "lower"),
    p99: figure([p99], "ms", "lower"),
  });
}
