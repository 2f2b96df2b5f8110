/** Results as benchmarks would save them, with figures that follow from their settings. */
import { figure } from "../../../bench/lib/result.ts";
import type { BenchResult, Point } from "../../../bench/lib/result.ts";

export function sampleResult(bench: string, points: readonly Point[]): BenchResult {
  return {
    format: 1,
    bench,
    machine: {
      cpu: "Sample CPU",
      cores: 2,
      memoryBytes: 2 ** 34,
      system: "Linux 6.1.0 x64",
      node: "v20.20.0",
      disk: "ext4 on /dev/sample",
    },
    commit: "0123456789abcdef",
    startedAt: "2026-01-02T03:04:05.000Z",
    seconds: 12,
    options: {},
    durability: "strict",
    floors: [],
    points,
  };
}

export function samplePoint(settings: Point["settings"], throughput: number, p99 = 10): Point {
  return {
    settings,
    figures: {
      throughput: figure([throughput * 0.9, throughput, throughput * 1.1], "/s", "higher"),
      p50: figure([p99 / 4], "ms", "lower"),
      p99: figure([p99], "ms", "lower"),
    },
  };
}
