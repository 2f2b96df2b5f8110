/** The node's port, by the option `ports`. */
import type { DataDirectory } from "./data-directory.ts";
import { peerRefusedOf } from "./events.ts";
import type { NodePort } from "./node-port.ts";
import type { ResolvedOptions } from "./options.ts";
import { RelayThread } from "./relay-thread.ts";
import type { Tell } from "./shard-events.ts";
import { sharesPort, standInTransport } from "./shard-task.ts";
import { StandIn } from "./stand-in.ts";
import { startRelay } from "./worker-pool.ts";

export interface NodePortParts {
  readonly options: ResolvedOptions;
  readonly directory: DataDirectory;
  /** Of this process. */
  readonly instance: number;
  readonly tell: Tell;
}

/** One thread for all connections, or who stands in for a shard 0 that is down. */
export function nodePortOf({ options, directory, instance, tell }: NodePortParts): NodePort {
  const { cluster, node, listen } = options.identity;
  const { host } = listen;
  if (!sharesPort(options)) {
    const make = (port: number) => standInTransport(options, directory, { port, instance });
    return new StandIn(listen.port, make, (refusal) =>
      tell("peerRefused", peerRefusedOf(0, refusal)),
    );
  }
  const { incarnation } = directory;
  const { shards } = options.tuning;
  const who = { cluster, node, incarnation, instance, shard: 0, shards, host };
  return new RelayThread(listen.port, {
    start: startRelay,
    // As they were last renewed.
    optionsOf: (port) => ({ ...who, port, ...options.credentials }),
    onCrash: (error, restartInMs) => tell("relayCrashed", { error, restartInMs }),
  });
}
