/**
 * Three nodes on bad wires, clients that use them, and faults one after another. At the end the
 * network is sound again, all replicas must agree, and the history must have an explanation.
 */
import { Prng } from "../../src/base/index.ts";
import type { Operation } from "../../src/testing/history/index.ts";
import { NodeCluster } from "../integration/node-cluster.ts";
import { BadNetwork } from "./bad-wire.ts";
import type { PacketCounts } from "./bad-wire.ts";
import { historyOf, judge } from "./client-history.ts";
import type { Judgement } from "./client-history.ts";
import { Clients } from "./clients.ts";
import { beginFault } from "./network-faults.ts";

export interface NetworkRunOptions {
  readonly seed: number;
  readonly groups: number;
  readonly clients: number;
  /** Whether one fault more shall come. */
  readonly goesOn: (faults: number) => boolean;
  readonly onFault?: (name: string) => void;
}

export interface NetworkRun extends Judgement {
  readonly history: readonly Operation[];
  readonly faults: Readonly<Record<string, number>>;
  readonly packets: PacketCounts;
  /** Operations that failed, by how. */
  readonly failures: Readonly<Record<string, number>>;
}

const names = ["n1", "n2", "n3"];
const keysOfGroup = 3;
const timeoutMs = 1_000;

export async function runNetwork(options: NetworkRunOptions): Promise<NetworkRun> {
  const { seed, groups, clients: count, goesOn, onFault } = options;
  const prng = new Prng(seed);
  await using network = await BadNetwork.open(names, seed);
  const { hosts, commands } = network;
  await using cluster = new NodeCluster({ hosts, under: commands, timeoutMs });
  await cluster.start(...names);
  await cluster.createGroups(groups);
  // A sequence of its own: how many calls the clients make is not for the seed to say, and the
  // faults shall be the same all the same.
  const clientPrng = new Prng(seed + 1);
  const clients = new Clients({
    cluster,
    prng: clientPrng,
    clients: count,
    keysOfGroup,
    timeoutMs,
  });
  const faults: Record<string, number> = {};
  for (let begun = 0; goesOn(begun); begun += 1) {
    await clients.answered(prng.between(count, 20 * count));
    const { name, end } = await beginFault({ network, cluster, prng });
    faults[name] = (faults[name] ?? 0) + 1;
    onFault?.(name);
    await clients.answered(prng.between(count, 20 * count));
    await end();
  }
  await clients.answered(count);
  await clients.stop();
  await cluster.verify();
  const history = historyOf(clients.history);
  const packets = await network.counts();
  return { history, ...judge(history), faults, packets, failures: clients.failures };
}
