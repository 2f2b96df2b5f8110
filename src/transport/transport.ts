/**
 * Transport: carries frames between the shards of different nodes. It knows connections, not
 * groups: what is in a frame is the shard's business. Delivery is at most once and in order on each
 * lane of a link; a lost connection loses what was in flight, and the algorithm above repairs that.
 *
 *   shard i of node A                                            shard j of node B
 *   link(B, group) ──── control lane: one TCP connection ────►   accepts, hands frames to its shard
 *                  ──── data lane: another ──────────────────►
 *   accepts        ◄─── B's own link to A, two more ──────────   each sends on those it dialled
 */
import type { GroupId, Incarnation, NodeId, ShardId } from "../base/index.ts";
import type { Frame } from "../wire/index.ts";
import type { CredentialOptions } from "./credentials.ts";

/**
 * Votes, heartbeats, read rounds and acknowledgements travel on `control`, so that they never queue
 * behind `data`.
 */
export type Lane = "control" | "data";

/** Who sent a frame, as its handshake proved it. */
export interface PeerShard {
  readonly node: NodeId;
  readonly shard: ShardId;
  /** The node's data directory; changes when it comes back without its disk. */
  readonly incarnation: Incarnation;
}

/** This shard's way to one shard of one other node. Exists before and after its connections do. */
export interface Link {
  readonly node: NodeId;
  readonly shard: ShardId;
  /** Whether both lanes are connected and greeted. */
  readonly up: boolean;
  /**
   * Of the node's data directory, as it said when the link last came up; undefined before. A node
   * that comes back without its disk has another one.
   */
  readonly incarnation: Incarnation | undefined;
  /**
   * Queues a frame. False where it was dropped: lane down, or its queue full. Its memory must not
   * change from here on.
   */
  send(lane: Lane, frame: Frame): boolean;
  /** Makes `onDrain` come when the lane's queue is empty next time, however little was in it. */
  tellDrained(lane: Lane): void;
  /** Bytes accepted by `send` that the kernel has not taken yet. */
  queuedBytes(lane: Lane): number;
}

/** Why there is no connection to a node. */
export interface LinkFault {
  /** A closed set: those of refused greetings, "tlsFailed", "connectFailed", "connectionLost", … */
  readonly reason: string;
  /** In words, with the address. */
  readonly text: string;
  /** Somebody is there, and one of both ends does not accept the other. */
  readonly refused: boolean;
}

/** A connection that one of both ends did not accept. */
export interface PeerRefusal {
  /** Who had dialled: this end, or the other one. */
  readonly direction: "outgoing" | "incoming";
  /** Who was dialled, or who the other end claims to be, if it came so far; unproven then. */
  readonly node: NodeId | undefined;
  /** `host:port` of the other end. */
  readonly address: string;
  readonly reason: string;
  /** In words. */
  readonly message: string;
  /** How many refusals of this kind are told with this one. */
  readonly count: number;
}

export interface TransportHandler {
  /**
   * A frame's body arrived, its checksum verified. The memory belongs to the receiver. Throwing
   * closes the connection that it came on, counts it, and does nothing else; but a failed assertion
   * goes on upwards after that, since it speaks of the shard and not of the frame.
   */
  onFrame(from: PeerShard, body: Uint8Array): void;
  /** Both lanes of a link are connected. */
  onLinkUp(link: Link): void;
  /** A lane that was up is lost. Frames in flight on either lane may be lost too. */
  onLinkDown(link: Link): void;
  /** A lane whose queue was over half its bound, or that was asked to tell, is empty again. */
  onDrain(link: Link): void;
  /**
   * The last connection that a node's shards had dialled to this shard is gone: it may have died.
   */
  onPeerGone(node: NodeId): void;
  /** Told at once for the first of a kind, then at most once in ten seconds. */
  onRefused(refusal: PeerRefusal): void;
}

export interface TransportStats {
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Frames that `send` refused. */
  readonly framesDropped: number;
  readonly connectionsOpen: number;
  /** Connections closed because of what the peer sent, by reason. */
  readonly connectionsRefused: Readonly<Record<string, number>>;
}

export interface Transport {
  /**
   * Binds this shard's port and starts to accept.
   * @throws ERR_PORT_IN_USE, ERR_LISTEN_FAILED
   */
  listen(handler: TransportHandler): Promise<void>;
  /** The bound port. */
  readonly port: number;
  /**
   * Ports of all shards of this node, told to every peer that greets us. Greetings wait until this
   * was called.
   */
  setDirectory(ports: readonly number[]): void;
  /**
   * Where to find each node: `host:port` of its shard 0. Replaces the address book; links to
   * changed addresses are dialled anew.
   */
  setPeers(addresses: Readonly<Record<NodeId, string>>): void;
  /**
   * The link to the shard of `node` that holds `group`. Undefined while that node has never been
   * reached (its shard count is unknown until then); asking makes the transport dial. Ask again
   * after a link went down: a node that comes back with another number of shards gets new links,
   * and the old ones stay down.
   */
  link(node: NodeId, group: GroupId): Link | undefined;
  /**
   * Why a node could not be reached when it was last tried; undefined if that is not known, or if
   * a link to it has come up since.
   */
  faultOf(node: NodeId): LinkFault | undefined;
  /**
   * Whether frames of data lanes are not to be read for now: they stay with their senders. Those of
   * control lanes always are.
   */
  pauseData(paused: boolean): void;
  /**
   * New connections prove themselves with these; those that are up stay.
   * @throws ERR_OPTION_INVALID, and nothing has changed
   */
  renewCredentials(credentials: CredentialOptions): void;
  stats(): TransportStats;
  /** Closes every connection and the port. */
  close(): Promise<void>;
}
