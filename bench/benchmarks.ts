/** Every benchmark of the suite, in the order in which `--help` lists them. */
import { failover } from "./commands/failover.ts";
import { idle } from "./commands/idle.ts";
import { latency } from "./commands/latency.ts";
import { micro } from "./commands/micro.ts";
import { mixed } from "./commands/mixed.ts";
import { peersBenchmark } from "./commands/peers.ts";
import { reads } from "./commands/reads.ts";
import { restart } from "./commands/restart.ts";
import { slowFollower } from "./commands/slow-follower.ts";
import { throughput } from "./commands/throughput.ts";
import { tune } from "./commands/tune.ts";
import type { Benchmark } from "./lib/command.ts";

/** Each reads the options that it has declared itself; only it knows their types. */
export const benchmarks: readonly Benchmark<object>[] = [
  throughput,
  latency,
  reads,
  mixed,
  idle,
  restart,
  failover,
  slowFollower,
  peersBenchmark,
  micro,
  tune,
];
