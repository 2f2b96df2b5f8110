/** The same work on flotilla and on other engines, one after the other in the same run. */
import { InvalidArgumentError, Option } from "commander";
import { integerArgument } from "../../src/cli/index.ts";
import { durabilities, machines } from "../lib/cluster/cluster-settings.ts";
import type { ClusterSettings } from "../lib/cluster/cluster-settings.ts";
import { measureUnderLoad } from "../lib/cluster/measure-under-load.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { remarkOf } from "../lib/load-figures.ts";
import { limits, listArgument, numberArgument } from "../lib/load-options.ts";
import { writesOf } from "../lib/work.ts";
import { pointOf } from "../peers/comparison.ts";
import type { Outcome } from "../peers/comparison.ts";
import { peers } from "../peers/index.ts";
import { describeLoad, measurePeer, settingsOf } from "../peers/measure-peer.ts";
import type { Load } from "../peers/measure-peer.ts";

interface Options {
  readonly only?: readonly string[];
  readonly groups: number;
  readonly valueBytes: number;
  readonly outstanding: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly durability: ClusterSettings["durability"];
  readonly machine: ClusterSettings["machine"];
  readonly shards: number;
}

const nodes = 3;
/** As many of flotilla's commands as one call takes, as the other benchmarks have it. */
const batch = 256;
export const peersBenchmark: Benchmark<Options> = {
  name: "peers",
  summary: "the same work on flotilla and on other engines, and the ratios",
  configure(command) {
    const names = peers.map(({ name }) => name).join(", ");
    command
      .option("--only <list>", `some of ${names}`, listArgument(peerName))
      .option(
        "--groups <n>",
        "Raft groups, where an engine has them",
        integerArgument(...limits.groups),
        1_000,
      )
      .option("--value-bytes <n>", "size of a value", integerArgument(...limits.valueBytes), 16)
      .option(
        "--outstanding <n>",
        "commands in flight at any time, for throughput; each engine is measured with one as well",
        integerArgument(2, limits.outstanding[1]),
        8_192,
      )
      .option("--seconds <n>", "length of each measurement", numberArgument(0.1, 86_400), 5)
      .option("--warm-up <n>", "seconds of load before it", numberArgument(0, 86_400), 3)
      .option("--shards <n>", "flotilla's worker threads a node", integerArgument(1, 64), 1)
      .addOption(
        new Option("--durability <mode>", "when a write counts as stored for flotilla")
          .choices(durabilities)
          .default("strict"),
      )
      .addOption(
        new Option("--machine <name>", "flotilla's state machine")
          .choices(machines)
          .default("checksum"),
      );
  },
  async run(options, run): Promise<Measured> {
    const { groups, valueBytes, seconds, warmUp: warmUpSeconds } = options;
    // Much at once, and then one command after the other.
    const loads = [options.outstanding, 1].map((outstanding) => {
      return { groups, valueBytes, outstanding, warmUpSeconds, seconds };
    });
    const own: Outcome[] = [];
    for (const load of loads) own.push(await measureFlotilla(load, options, run));
    const others: Outcome[][] = [];
    for (const peer of peers) {
      const chosen = options.only?.includes(peer.name) ?? true;
      if (chosen) others.push(await measurePeer(peer, loads, run));
    }
    const points = own.flatMap((outcome, at) => {
      const compared = others.flatMap((outcomes) => outcomes[at] ?? []);
      return [outcome, ...compared].map((each) => pointOf(each, outcome.measured));
    });
    return { durability: options.durability, points };
  },
};

function peerName(text: string): string {
  if (peers.some(({ name }) => name === text)) return text;
  const names = peers.map(({ name }) => name).join(", ");
  throw new InvalidArgumentError(`${JSON.stringify(text)} is none of ${names}`);
}

async function measureFlotilla(load: Load, options: Options, run: BenchRun): Promise<Outcome> {
  const { groups, valueBytes, outstanding } = load;
  const { durability, machine, shards } = options;
  const window = await measureUnderLoad(
    { nodes, durability, machine, groups, shards },
    {
      ...options,
      what: describeLoad("flotilla", load),
      start: (cluster) =>
        cluster.startClosedLoop(writesOf({ valueBytes, single: false, batch }), outstanding),
    },
    run,
  );
  return {
    settings: settingsOf("flotilla", load),
    measured: {
      perSecond: window.perSecond,
      latencies: window.writeLatencies,
      cpuMicros: window.used.cpuMicros / Math.max(1, window.done),
    },
    ...remarkOf(window),
  };
}
