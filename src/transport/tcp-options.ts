/** What a TcpTransport is given: who it is, whom it trusts, and the bounds it keeps. */
import { describeNodeIdFault, limits, resolveOptions } from "../base/index.ts";
import type { Incarnation, NodeId, OptionFault, Prng, ShardId } from "../base/index.ts";
import { clusterLengthMax, frameHeaderBytes } from "../wire/index.ts";
import { Credentials, credentialFaults } from "./credentials.ts";
import type { CredentialOptions } from "./credentials.ts";
import { realTimers } from "./timers.ts";
import type { Timers } from "./timers.ts";

/** Who this end is, as its greetings say. */
export interface TransportIdentity {
  /** Name of the cluster, 1 to 128 characters; nodes of another one are refused. */
  readonly cluster: string;
  readonly node: NodeId;
  /** Of this node's data directory. */
  readonly incarnation: Incarnation;
  readonly shard: ShardId;
  /** Shards of this node. */
  readonly shards: number;
}

export interface TcpTransportOptions extends TransportIdentity, CredentialOptions {
  /** Address to bind. `0.0.0.0` and `::` mean all. */
  readonly host: string;
  /**
   * Port to bind, 0 to let the system choose. A function is asked when it is about to be bound, and
   * may wait for somebody else to let go of it.
   */
  readonly port: number | (() => Promise<number>);
  /**
   * Stands in for a shard that is down: tells peers where the other shards are, and takes no other
   * lanes. @default false
   */
  readonly standsIn?: boolean | undefined;
  /**
   * The node's relay has the port, and passes on what comes for this shard: see `attachRelay`.
   * @default false
   */
  readonly relayed?: boolean | undefined;
  readonly prng: Prng;
  /** @default setTimeout */
  readonly timers?: Timers | undefined;
  /**
   * Bytes queued on one lane before `send` drops. At least one longest frame. @default 67,108,864
   */
  readonly sendQueueBytesMax?: number | undefined;
  /**
   * The longest body to accept. The same on all nodes, or large frames are dropped on the way.
   * @default 16,777,216
   */
  readonly frameBytesMax?: number | undefined;
  /** First pause before a lost connection is dialled again, in ms. @default 50 */
  readonly reconnectMinMs?: number | undefined;
  /** Longest such pause, in ms: how late a peer that comes back may be noticed. @default 2,000 */
  readonly reconnectMaxMs?: number | undefined;
  /** How long a dial may take before TCP or TLS is established, in ms. @default 3,000 */
  readonly connectTimeoutMs?: number | undefined;
  /** How long the greeting may take on either side after that, in ms. @default 5,000 */
  readonly greetingTimeoutMs?: number | undefined;
  /**
   * A connection whose other end says nothing for so long, though asked, is given up and dialled
   * anew, in ms. @default 2,000
   */
  readonly silenceMs?: number | undefined;
  /**
   * Of this process; all its shards have the same one. Tells a node that was started again from
   * one that is still there. @default drawn from `prng`
   */
  readonly instance?: number | undefined;
  /** Accepted connections of strangers that have not greeted yet. @default 256 */
  readonly ungreetedMax?: number | undefined;
}

/** The numbers among the options, checked and complete. */
export interface TransportTuning {
  readonly sendQueueBytesMax: number;
  readonly frameBytesMax: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  readonly silenceMs: number;
  readonly ungreetedMax: number;
}

/** What every connection of a transport shares. */
export interface TransportSettings {
  readonly identity: TransportIdentity;
  readonly instance: number;
  readonly standsIn: boolean;
  readonly tuning: TransportTuning;
  readonly prng: Prng;
  readonly timers: Timers;
  readonly credentials: Credentials;
}

const tuningTable = {
  sendQueueBytesMax: {
    kind: "integer",
    default: 67_108_864,
    min: 1_024,
    max: 4_294_967_296,
    unit: "bytes",
    why: "smaller drops frames to a slow peer sooner; larger holds more memory for each lane",
  },
  frameBytesMax: {
    kind: "integer",
    default: limits.frameBytesMax,
    min: 512,
    max: limits.frameBytesMax,
    unit: "bytes",
    why: "a longer claim closes the connection before memory is taken",
  },
  reconnectMinMs: {
    kind: "integer",
    default: 50,
    min: 1,
    max: 60_000,
    unit: "ms",
    why: "smaller knocks more often at a node that is down",
  },
  reconnectMaxMs: {
    kind: "integer",
    default: 2_000,
    min: 1,
    max: 600_000,
    unit: "ms",
    why: "larger notices a node that came back later",
  },
  connectTimeoutMs: {
    kind: "integer",
    default: 3_000,
    min: 10,
    max: 600_000,
    unit: "ms",
    why: "must exceed the slowest round trip; larger waits longer for a host that swallows packets",
  },
  greetingTimeoutMs: {
    kind: "integer",
    default: 5_000,
    min: 10,
    max: 600_000,
    unit: "ms",
    why: "covers a peer whose shards are still starting; larger keeps strangers' connections longer",
  },
  silenceMs: {
    kind: "integer",
    default: 2_000,
    min: 20,
    max: 600_000,
    unit: "ms",
    why: "must exceed the longest pause of a healthy peer; larger sends for longer into a path that swallows packets",
  },
  ungreetedMax: {
    kind: "integer",
    default: 256,
    min: 1,
    max: 65_536,
    unit: "connections",
    why: "beyond it, and 8 for each node of the address book, one that has said nothing is closed",
  },
} as const;

function findRelationFaults(tuning: TransportTuning): OptionFault[] {
  const faults: OptionFault[] = [];
  if (tuning.sendQueueBytesMax < tuning.frameBytesMax + frameHeaderBytes) {
    const message = `must hold a frame of frameBytesMax (${tuning.frameBytesMax}) and its header`;
    faults.push({ option: "sendQueueBytesMax", message });
  }
  if (tuning.reconnectMaxMs < tuning.reconnectMinMs) {
    faults.push({ option: "reconnectMaxMs", message: "must be at least reconnectMinMs" });
  }
  return faults;
}

function findIdentityFaults(options: TcpTransportOptions): OptionFault[] {
  const faults: OptionFault[] = [];
  const { cluster, node, shard, shards } = options;
  if (cluster.length < 1 || cluster.length > clusterLengthMax) {
    faults.push({ option: "cluster", message: `must have 1 to ${clusterLengthMax} characters` });
  }
  const nodeFault = describeNodeIdFault(node);
  if (nodeFault !== undefined) faults.push({ option: "node", message: nodeFault });
  if (!(shards >= 1 && shards <= limits.shardsMax)) {
    faults.push({
      option: "shards",
      message: `must be from 1 to ${limits.shardsMax}, got ${shards}`,
    });
  }
  if (!(shard >= 0 && shard < shards)) {
    faults.push({ option: "shard", message: `must be below shards (${shards}), got ${shard}` });
  }
  faults.push(...credentialFaults(options));
  return faults;
}

/**
 * @throws ERR_OPTION_INVALID listing every fault, with the cause where the certificates cannot be
 * used
 */
export function resolveTcpOptions(options: TcpTransportOptions): TransportSettings {
  const given = {
    sendQueueBytesMax: options.sendQueueBytesMax,
    frameBytesMax: options.frameBytesMax,
    reconnectMinMs: options.reconnectMinMs,
    reconnectMaxMs: options.reconnectMaxMs,
    connectTimeoutMs: options.connectTimeoutMs,
    greetingTimeoutMs: options.greetingTimeoutMs,
    silenceMs: options.silenceMs,
    ungreetedMax: options.ungreetedMax,
  };
  const faults = findIdentityFaults(options);
  const tuning = resolveOptions(tuningTable, given, findRelationFaults, faults);
  const { cluster, node, incarnation, shard, shards, prng, secret, tls } = options;
  return {
    identity: { cluster, node, incarnation, shard, shards },
    instance: options.instance ?? prng.incarnation(),
    standsIn: options.standsIn ?? false,
    tuning,
    prng,
    timers: options.timers ?? realTimers,
    credentials: new Credentials({ secret, tls }),
  };
}
