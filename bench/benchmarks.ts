/** Every benchmark of the suite, in the order in which `--help` lists them. */
import { latency } from "./commands/latency.ts";
import { micro } from "./commands/micro.ts";
import { mixed } from "./commands/mixed.ts";
import { peersBenchmark } from "./commands/peers.ts";
import { reads } from "./commands/reads.ts";
import { throughput } from "./commands/throughput.ts";
import { tune } from "./commands/tune.ts";
import type { Benchmark } from "./lib/command.ts";

/** Each reads the options that it has declared itself; only it knows their types. */
export const benchmarks: readonly Benchmark<object>[] = [
  throughput,
  latency,
  reads,
  mixed,
  peersBenchmark,
  micro,
  tune,
];
