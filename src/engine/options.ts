/**
 * The options of an engine: what it is, in `EngineOptions`, and how it is tuned, in the option
 * table.
 */
import {
  RaftError,
  describeNodeIdFault,
  describeValue,
  isNodeId,
  resolveOptions,
} from "../base/index.ts";
import type { GroupId, NodeId, OptionFault, OptionValues } from "../base/index.ts";
import { raftOptionTable } from "../raft/index.ts";
import { shardOptionTable } from "../shard/index.ts";
import { credentialFaults, describeAddressFault } from "../transport/index.ts";
import type { CredentialOptions, Secret, TlsOptions } from "../transport/index.ts";
import { clusterLengthMax } from "../wire/index.ts";
import { listenFaults } from "./listen-options.ts";
import { levelOf } from "./events.ts";
import type { Logger } from "./events.ts";
import type { CallSettings } from "./shard-handle.ts";
import type { TuningOptions } from "./tuning-options.ts";
import type { CallOptions } from "./typed.ts";

const ownOptionTable = {
  shards: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 256,
    unit: "threads",
    why: "worker threads, each with its own log and loop; 0 takes as many as the data directory has, and for a new one as many as cores but one. Fixed for the life of a data directory",
  },
  ports: {
    kind: "choice",
    default: "each",
    choices: ["each", "one"],
    why: "each shard listens on a port of its own, which is faster; or the node has one port, on which a thread of its own accepts all connections and passes them on to the shards",
  },
  durability: {
    kind: "choice",
    default: "strict",
    choices: ["strict", "pipelined", "none"],
    why: "strict acknowledges a commit after its own two flushes (in segments one, and pipelined is the same there); pipelined after the next commit's flush (one a commit under load, as safe); none never flushes and may lose or corrupt everything on a power failure",
  },
  store: {
    kind: "choice",
    default: "lmdb",
    choices: ["lmdb", "segments"],
    why: "what keeps each shard's log: an LMDB file, written on the shard's thread until its disk stalls, or preallocated segment files, written on others with one flush a commit; fixed for the life of a data directory",
  },
  segmentBytes: {
    kind: "integer",
    default: 16_777_216,
    min: 65_536,
    max: 1_073_741_824,
    unit: "bytes",
    why: "size of the segments to make if store is segments; one more is filled with zeros in advance when the last is half full",
  },
  timeoutMs: {
    kind: "integer",
    default: 10_000,
    min: 1,
    max: 86_400_000,
    unit: "ms",
    why: "deadline of a call that names none, except createGroup (5,000), health (1,000) and close (30,000); afterwards the outcome of a write is unknown",
  },
  openTimeoutMs: {
    kind: "integer",
    default: 300_000,
    min: 1,
    max: 86_400_000,
    unit: "ms",
    why: "deadline of Engine.open, which reads the whole log: shards that are not open by then go on opening in the background, and if none is open it fails with ERR_TIMEOUT",
  },
  callsMax: {
    kind: "integer",
    default: 65_536,
    min: 1,
    max: 1_048_576,
    unit: "calls",
    why: "calls of one shard that wait for their answers; beyond it proposals and reads are refused with ERR_BUSY",
  },
  youngHeapMb: {
    kind: "integer",
    default: 128,
    min: 16,
    max: 4_096,
    unit: "MiB",
    why: "heap of each shard's worker for short-lived objects; what waits for a flush is alive, and a small heap copies it again and again",
  },
  mapBytes: {
    kind: "integer",
    default: 68_719_476_736,
    min: 16_777_216,
    max: 17_592_186_044_416,
    unit: "bytes",
    why: "how far each shard's log in LMDB may grow, and the address space that it takes; the last eighth, at most 64 MiB, is kept for elections, and there entries are refused with ERR_STORE_FULL",
  },
  indexBytesMax: {
    kind: "integer",
    default: 2_147_483_648,
    min: 1_048_576,
    max: 68_719_476_736,
    unit: "bytes",
    why: "memory that tells where entries lie, 24 bytes for each group in each commit of a shard; bounded like mapBytes",
  },
  preallocateBytes: {
    kind: "integer",
    default: 16_777_216,
    min: 0,
    max: 17_179_869_184,
    unit: "bytes",
    why: "size that a new shard's log file in LMDB starts with; commits into a growing file take up to twice as long",
  },
} as const;

export const engineOptionTable: typeof ownOptionTable &
  typeof shardOptionTable &
  typeof raftOptionTable = { ...ownOptionTable, ...shardOptionTable, ...raftOptionTable };

/** Everything that the option table describes, checked and complete. */
export type EngineTuning = OptionValues<typeof engineOptionTable>;

/** What `Engine.open` takes. */
export interface EngineOptions extends TuningOptions {
  /** Name of the cluster, 1 to 128 characters. Nodes of other clusters are refused. */
  readonly cluster: string;
  /** This node's id, the same for the life of its data directory. */
  readonly node: NodeId;
  /**
   * The data directory; created if it is missing, for this process's user alone. It has one owner
   * at a time, which the kernel knows by a lock on a file in it.
   */
  readonly dir: string;
  /** Where this node listens, and where peers reach it unless `advertise` says otherwise. */
  readonly listen: {
    /** Address to bind: a name, an IPv4 or an IPv6 address; `0.0.0.0` and `::` mean all. */
    readonly host: string;
    /**
     * Port of shard 0, or of all shards with `ports: "one"`; 0 to let the system choose. Peers are
     * given this one; they learn the other shards' ports from it.
     */
    readonly port: number;
    /**
     * Ports of the shards from 1 on, one each; none with `ports: "one"`.
     * @default chosen by the system
     */
    readonly shardPorts?: readonly number[] | undefined;
  };
  /**
   * Where peers reach this node, if that is not where it listens: behind a port mapping, or on one
   * of all addresses of the machine.
   * @default as `listen`, with the machine's host name in place of `0.0.0.0` and `::`
   */
  readonly advertise?:
    | {
        readonly host?: string | undefined;
        /** Of shard 0, or of all shards with `ports: "one"`. */
        readonly port?: number | undefined;
        /** Of the shards from 1 on, one each. */
        readonly shardPorts?: readonly number[] | undefined;
      }
    | undefined;
  /** Where the other nodes are: `host:port` by node id. May be set later with `setPeers`. */
  readonly peers?: Readonly<Record<NodeId, string>> | undefined;
  /**
   * The module that exports `createStateMachine`, as a file: URL that a worker thread can import.
   */
  readonly stateMachine: URL;
  /**
   * A module that exports `createLogStore(context)`, for a store of the embedder's own, which must
   * pass the suite `logStoreSuite` of `flotilla/testing`. The option `store` and its sizes are
   * then ignored.
   * @default the store that the option `store` names
   */
  readonly logStore?: URL | undefined;
  /**
   * Which groups found on disk run at once: all, none (then `startGroup`), or those that a function
   * chooses. After a crash of a shard those run that ran before it.
   * @default "all"
   */
  readonly recover?: "all" | "none" | ((group: GroupId) => boolean) | undefined;
  /**
   * Known to every node and never sent; both sides of a connection prove that they know it. Two
   * while it is being changed: `[new, old]`. Renewed with `renewCredentials`.
   */
  readonly secret?: Secret | undefined;
  /** Gets every event, in pino's form: `logger.warn({ group: 7, reason: "…" }, "groupFailed")`. */
  readonly logger?: Logger | undefined;
  /**
   * Mutual TLS between nodes. Each node's certificate must name it: see `tls.nodeName`. Renewed
   * with `renewCredentials`.
   */
  readonly tls?: TlsOptions | undefined;
}

export interface ResolvedOptions {
  readonly identity: Pick<EngineOptions, "cluster" | "node" | "dir" | "listen" | "advertise"> & {
    readonly stateMachine: string;
    readonly logStore: string | undefined;
  };
  /** As they were last renewed: a shard that starts again gets them. */
  credentials: CredentialOptions;
  readonly peers: Readonly<Record<NodeId, string>>;
  readonly recover: "all" | "none" | ((group: GroupId) => boolean);
  readonly logger: Logger | undefined;
  /** `shards` may be 0 here: the data directory says how many there are. */
  readonly tuning: EngineTuning;
}

/** What is wrong with an address book. */
export function peerFaults(peers: unknown): OptionFault[] {
  if (typeof peers !== "object" || peers === null || Array.isArray(peers)) {
    return [{ option: "peers", message: "must be an object of node id to host:port" }];
  }
  const faults: OptionFault[] = [];
  for (const [node, address] of Object.entries(peers)) {
    if (!isNodeId(node)) {
      faults.push({ option: "peers", message: `names a node that ${describeNodeIdFault(node)}` });
    }
    const fault = describeAddressFault(address);
    if (fault !== undefined) {
      const message = `gives ${node} the address ${describeValue(address)}: ${fault}`;
      faults.push({ option: "peers", message });
    }
  }
  return faults;
}

function identityFaults(options: EngineOptions): OptionFault[] {
  const faults = listenFaults(options);
  const { cluster, node, dir, stateMachine, recover } = options;
  if (typeof cluster !== "string" || cluster.length < 1 || cluster.length > clusterLengthMax) {
    const message = `must be a string of 1 to ${clusterLengthMax} characters`;
    faults.push({ option: "cluster", message });
  }
  const nodeFault = describeNodeIdFault(node);
  if (nodeFault !== undefined) faults.push({ option: "node", message: nodeFault });
  if (typeof dir !== "string" || dir === "") {
    faults.push({ option: "dir", message: "must be the path of a directory" });
  }
  if (!isUrl(stateMachine)) {
    faults.push({ option: "stateMachine", message: "must be a URL of a module" });
  }
  if (options.logStore !== undefined && !isUrl(options.logStore)) {
    faults.push({ option: "logStore", message: "must be a URL of a module" });
  }
  if (
    recover !== undefined &&
    recover !== "all" &&
    recover !== "none" &&
    typeof recover !== "function"
  ) {
    faults.push({ option: "recover", message: 'must be "all", "none" or a function' });
  }
  if (options.logger !== undefined) faults.push(...loggerFaults(options.logger));
  faults.push(...credentialFaults(options));
  faults.push(...peerFaults(options.peers ?? {}));
  return faults;
}

function loggerFaults(logger: unknown): OptionFault[] {
  const levels = Object.values(levelOf);
  const isLogger =
    typeof logger === "object" &&
    logger !== null &&
    levels.every((level) => typeof Reflect.get(logger, level) === "function");
  if (isLogger) return [];
  return [{ option: "logger", message: "must have the functions debug, info, warn and error" }];
}

/** Also one of another realm, such as a test runner's. */
function isUrl(value: unknown): boolean {
  if (value instanceof URL) return true;
  return Object.prototype.toString.call(value) === "[object URL]";
}

function relationFaults(tuning: EngineTuning): OptionFault[] {
  const faults: OptionFault[] = [];
  if (tuning.electionTicks <= tuning.heartbeatTicks) {
    const message = `must be above heartbeatTicks (${tuning.heartbeatTicks}), got ${tuning.electionTicks}`;
    faults.push({ option: "electionTicks", message });
  }
  return faults;
}

/** @throws ERR_OPTION_INVALID naming every fault. */
export function resolveEngineOptions(options: EngineOptions): ResolvedOptions {
  if (typeof options !== "object" || options === null) {
    throw new RaftError("ERR_OPTION_INVALID", "Engine.open needs an options object");
  }
  const { cluster, node, dir, listen, advertise, stateMachine, logStore, secret, tls, ...others } =
    options;
  const { peers, recover, logger, ...rest } = others;
  const given = resolveOptions(engineOptionTable, rest, relationFaults, identityFaults(options));
  const modules = { stateMachine: stateMachine.href, logStore: logStore?.href };
  return {
    identity: { cluster, node, dir, listen, advertise, ...modules },
    credentials: { secret, tls },
    peers: peers ?? {},
    recover: recover ?? "all",
    logger,
    tuning: given,
  };
}

/** A call's settings, from its options and the engine's. */
export function settingsOf(options: ResolvedOptions, call?: CallOptions): CallSettings {
  return {
    timeoutMs: call?.timeoutMs ?? options.tuning.timeoutMs,
    forward: call?.forward ?? false,
    signal: call?.signal,
  };
}
