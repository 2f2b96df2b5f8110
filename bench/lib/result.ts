/**
 * What every benchmark gives back: measured points, each with its settings and its figures, and
 * what one must know to judge them. One shape for all, so that any two results can be compared,
 * plotted and searched by the same code.
 */

/** One number that was measured. */
export interface Figure {
  /** Of `samples` the median. */
  readonly value: number;
  /** `/s`, `ms`, `us`, `MB/s`, `B`, `%`, `x` (a ratio), or empty for a count. */
  readonly unit: string;
  readonly better: "higher" | "lower" | "neither";
  /** The same thing measured again and again, in order; holds `value` alone where once was enough. */
  readonly samples: readonly number[];
}

/** One measured point: what was set, and what came of it. */
export interface Point {
  /** What tells this point from the others of the run: `{ groups: 1000, valueBytes: 16 }`. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** By name: `throughput`, `p50`, `p99`, `cpuPerProposal`, … */
  readonly figures: Readonly<Record<string, Figure>>;
  /** What a reader of the table must know about this point; empty as a rule. */
  readonly remark?: string;
}

/** Where a result was measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** `Linux 6.1.0 x64`. */
  readonly system: string;
  readonly node: string;
  /** Of the directory that the benchmark wrote to: `ext4 on /dev/vda1`. */
  readonly disk: string;
}

export interface BenchResult {
  readonly format: 1;
  /** The benchmark's name. */
  readonly bench: string;
  readonly machine: Machine;
  /** Of the sources: the commit's hash, ` with changes` after it where there are any. */
  readonly commit: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  /** Options of the run, defaults included. */
  readonly options: Readonly<Record<string, unknown>>;
  /** `strict`, `pipelined`, `interval` or `none`; empty where nothing is stored. */
  readonly durability: string;
  /** What the machine can do at best, measured in the same run. */
  readonly floors: readonly Point[];
  readonly points: readonly Point[];
}

export function figure(
  samples: readonly number[],
  unit: string,
  better: Figure["better"] = "neither",
): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  const value = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
  return { value, unit, better, samples };
}
