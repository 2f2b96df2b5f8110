/** What a shard's worker is told when it starts. */
import { randomInt } from "node:crypto";
import { Prng } from "../base/index.ts";
import type { HeldGroup, Recovery, ShardTask } from "../shard/index.ts";
import { TcpTransport } from "../transport/index.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { ResolvedOptions } from "./options.ts";

/** The one place where chance enters: from here on everything is drawn from seeds. */
export function randomPrng(): Prng {
  return new Prng(randomInt(0, 2 ** 32));
}

/**
 * Whether the shards of a node share one port, that of its relay. A single shard has it by itself.
 */
export function sharesPort({ tuning }: ResolvedOptions): boolean {
  return tuning.ports === "one" && tuning.shards > 1;
}

/** What differs from shard to shard and from start to start. */
export interface ShardStart extends Pick<ShardTask, "shard" | "mail" | "inHand"> {
  /** The one that it had before, where it had one, or the one that all of them share. */
  readonly port: number | undefined;
  readonly held: readonly HeldGroup[];
  readonly watched: ShardTask["watch"];
}

/** What the engine adds. */
export interface EngineStart extends Pick<ShardTask, "instance"> {
  readonly recover: Recovery["recover"];
}

export function taskOf(
  options: ResolvedOptions,
  directory: DataDirectory,
  { shard, mail, port, inHand, held, watched }: ShardStart,
  { instance, recover }: EngineStart,
): ShardTask {
  const { identity, credentials, tuning } = options;
  const relayed = sharesPort(options);
  const { cluster, node, listen, stateMachine, logStore } = identity;
  const configured = shard === 0 ? listen.port : (listen.shardPorts?.[shard - 1] ?? 0);
  const { shards, durability, store, mapBytes, preallocateBytes, segmentBytes, indexBytesMax } =
    tuning;
  return {
    mail,
    cluster,
    node,
    incarnation: directory.incarnation,
    instance,
    shard,
    shards,
    dir: directory.shardPath(shard),
    mark: directory.markPath(shard),
    durability,
    store,
    mapBytes,
    preallocateBytes,
    segmentBytes,
    indexBytesMax,
    host: listen.host,
    port: port ?? configured,
    claimsPort: shard === 0 && shards > 1 && !relayed,
    relayed,
    credentials,
    stateMachine,
    logStore,
    recovery: { recover, held },
    inHand,
    watch: watched,
    seed: randomInt(0, 2 ** 32),
    options: tuning,
  };
}

/** What listens on shard 0's port while that is down. */
export function standInTransport(
  { identity, credentials, tuning }: ResolvedOptions,
  { incarnation }: DataDirectory,
  { port, instance }: Pick<ShardTask, "port" | "instance">,
): TcpTransport {
  const { cluster, node, listen } = identity;
  const { shards } = tuning;
  return new TcpTransport({
    cluster,
    node,
    incarnation,
    instance,
    shard: 0,
    shards,
    host: listen.host,
    port,
    ...credentials,
    prng: randomPrng(),
    standsIn: true,
  });
}
