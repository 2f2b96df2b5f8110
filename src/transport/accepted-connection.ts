/**
 * A connection that a peer dialled: its greeting is judged, then its frames go to the shard.
 * Whatever is wrong with its bytes ends this connection, is counted, and does nothing else.
 *
 *   hello ──► contested (another process of the node is connected, and is asked) ──┐
 *     │ └────────────────────────────────────────────────────────────────────────────┤
 *     │        directory (ports of this node not known yet) ◄────────────────────────┘
 *     │           └──► proof (with a secret) ──► open
 *     │           └──► told: asked for the directory only
 *     └──► refused: told why, then closed
 */
import { randomBytes } from "node:crypto";
import { RaftError, assert } from "../base/index.ts";
import type { ShardId } from "../base/index.ts";
import {
  FrameDecoder,
  commonVersion,
  encodeRefusal,
  encodeWelcome,
  encodeWelcomeBytes,
  greetingBytesMax,
  greetingProof,
  nonceBytes,
  proofsEqual,
  protocolVersion,
  readGreeting,
  signalFrames,
  signalOf,
} from "../wire/index.ts";
import type {
  Greeting,
  GreetingLane,
  Hello,
  RefusalReason,
  Signal,
  Transcript,
} from "../wire/index.ts";
import type { AcceptedSocket } from "./accepted-socket.ts";
import { addressOf } from "./address.ts";
import { describePeerNames, speaksFor } from "./certificate-names.ts";
import type { ConnectionContext } from "./dialled-connection.ts";
import { turnsMax } from "./lane-watch.ts";
import type { Cancel } from "./timers.ts";
import { isRefusal } from "./transport-counters.ts";
import type { CloseReason } from "./transport-counters.ts";
import type { PeerShard } from "./transport.ts";

export interface AcceptedOwner {
  readonly context: ConnectionContext;
  /** Ports of this node's shards, undefined until all are bound. */
  readonly ports: readonly number[] | undefined;
  /** The Hello has come and makes sense, but proves nothing yet. */
  onHello(connection: AcceptedConnection): void;
  /**
   * Whether another process of the dialler's node is connected. Then that one is asked whether it
   * is still there, and `onUncontested` or `refuse` follows.
   */
  isContested(connection: AcceptedConnection): boolean;
  /** The greeting is complete. Returns why it cannot be let in all the same. */
  admit(connection: AcceptedConnection): "tooManyConnections" | "nodeInUse" | undefined;
  /** The other end of an open connection has answered a probe. */
  onHeard(connection: AcceptedConnection): void;
  onFrame(from: PeerShard, body: Uint8Array): void;
  /** Called once. */
  onClosed(connection: AcceptedConnection): void;
}

type State = "hello" | "contested" | "directory" | "proof" | "open" | "told" | "refused" | "closed";

const noProof = new Uint8Array(0);

export class AcceptedConnection {
  private readonly owner: AcceptedOwner;
  readonly socket: AcceptedSocket;
  /** Of the other end. */
  private readonly address: string;
  private readonly decoder: FrameDecoder = new FrameDecoder(greetingBytesMax);
  /** Ends the wait for the greeting, and later for the next turn. */
  private cancelDeadline: Cancel;
  private receivedInTurn = false;
  private state: State = "hello";
  private hello: Hello | undefined;
  private helloBody: Uint8Array = noProof;
  private transcript: Transcript | undefined;
  /** Who greeted, set with the Hello; proved once the state is `open`. */
  private claimed: PeerShard | undefined;
  private claimedLane: GreetingLane = "directory";
  private claimedInstance = 0;
  private isAdmitted = false;
  /** No other process of its node has answered. */
  private hasWonContest = false;

  constructor(owner: AcceptedOwner, socket: AcceptedSocket) {
    this.owner = owner;
    this.socket = socket;
    this.address = addressOf(socket);
    const { timers, tuning } = owner.context.settings;
    this.cancelDeadline = timers.after(tuning.greetingTimeoutMs, () => this.onDeadline());
    socket.on("data", (chunk: Buffer) => this.onData(chunk));
    socket.on("end", () => this.onEnd());
    // "close" follows an error, and says all that matters.
    socket.on("error", () => {});
    socket.on("close", () => this.close());
  }

  /** Whether the owner has counted it among its open ones. */
  get admitted(): boolean {
    return this.isAdmitted;
  }

  get peer(): PeerShard {
    assert(this.claimed !== undefined, "a connection has a peer once it has greeted");
    return this.claimed;
  }

  /** Of the dialler's process. */
  get instance(): number {
    return this.claimedInstance;
  }

  /** Whether it has said for whom it speaks. */
  get hasPeer(): boolean {
    return this.claimed !== undefined;
  }

  get wonContest(): boolean {
    return this.hasWonContest;
  }

  get lane(): GreetingLane {
    return this.claimedLane;
  }

  close(reason?: CloseReason): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.cancelDeadline();
    this.socket.destroy();
    if (reason !== undefined) {
      this.owner.context.counters.refuse(reason);
      this.tell(reason, `the connection was closed: ${reason}`);
    }
    this.owner.onClosed(this);
  }

  /** The ports of this node's shards are known: a greeting that waited for them goes on. */
  onDirectory(): void {
    if (this.state === "directory") this.welcome();
  }

  /** Nothing has come from another process of the dialler's node. */
  onUncontested(): void {
    assert(this.state === "contested", "a contest that is over was waited for");
    this.hasWonContest = true;
    this.proceed();
  }

  /** Whether to read nothing for now: then what is sent stays with its sender. */
  pause(paused: boolean): void {
    if (paused) this.socket.pause();
    else this.socket.resume();
  }

  /** Asks the other end whether it is still there. */
  probe(): void {
    this.signal("probe");
  }

  private onDeadline(): void {
    // Those were answered and only had to go away by themselves.
    const answered = this.state === "told" || this.state === "refused";
    this.close(answered ? undefined : "greetingTimeout");
  }

  private onEnd(): void {
    this.close(this.decoder.partial ? "frameTruncated" : undefined);
  }

  private onData(chunk: Buffer): void {
    if (this.state === "closed" || this.state === "refused") return;
    this.owner.context.counters.bytesReceived += chunk.length;
    this.receivedInTurn = true;
    try {
      this.decoder.push(chunk, this.onBody);
    } catch (error) {
      this.close(this.reasonOf(error));
      // A failed assertion is no matter of this connection: the shard's own state is in doubt.
      if (error instanceof Error && error.name === "AssertionError") throw error;
    }
  }

  private reasonOf(error: unknown): CloseReason {
    if (!(error instanceof RaftError) || error.code !== "ERR_FRAME_INVALID") return "handlerFailed";
    return this.state === "open" ? "frameInvalid" : "greetingInvalid";
  }

  private readonly onBody = (body: Uint8Array): void => {
    switch (this.state) {
      case "open":
        this.onOpenBody(body);
        return;
      case "hello":
        this.onHelloBody(readGreeting(body), body);
        return;
      case "proof":
        this.onProof(readProof(body));
        return;
      case "contested":
      case "directory":
      case "told":
        throw new RaftError("ERR_FRAME_INVALID", "a frame before the greeting is complete");
      case "refused":
      case "closed":
        // The rest of a chunk whose earlier frame ended the connection.
        return;
    }
  };

  private onOpenBody(body: Uint8Array): void {
    const signal = signalOf(body);
    if (signal === undefined) {
      this.owner.context.counters.framesReceived += 1;
      this.owner.onFrame(this.peer, body);
    } else if (signal === "probe") this.signal("heard");
    else this.owner.onHeard(this);
  }

  /** One that is not read by the other end is not sent again and again. */
  private signal(signal: Signal): void {
    if (this.socket.writableLength === 0) this.socket.write(signalFrames[signal]);
  }

  /**
   * A slow path may carry nothing but parts of one large frame, behind which a probe waits: once a
   * turn the dialler is told that something comes. So it is while this end reads nothing.
   */
  private watchTurn(): void {
    const { timers, tuning } = this.owner.context.settings;
    this.receivedInTurn = false;
    this.cancelDeadline = timers.after(Math.ceil(tuning.silenceMs / turnsMax), () => {
      if (this.receivedInTurn || this.socket.isPaused()) this.signal("heard");
      this.watchTurn();
    });
  }

  private onHelloBody(greeting: Greeting, body: Uint8Array): void {
    if (greeting.kind === "foreignHello") this.refuse("versionUnsupported");
    else if (greeting.kind === "hello") this.onHello(greeting.hello, body);
    else throw wrongGreeting(greeting, "hello");
  }

  private onHello(hello: Hello, body: Uint8Array): void {
    this.hello = hello;
    this.helloBody = body;
    this.claimedLane = hello.lane;
    this.claimed = { node: hello.node, shard: hello.shard, incarnation: hello.incarnation };
    this.claimedInstance = hello.instance;
    const fault = this.findHelloFault(hello);
    if (fault !== undefined) {
      this.refuse(fault);
      return;
    }
    if (hello.lane !== "directory" && this.owner.context.settings.standsIn) {
      // As if nobody listened here: the dialler asks where the shard is, and hears that it is down.
      this.close();
      return;
    }
    this.owner.onHello(this);
    if (this.owner.isContested(this)) this.state = "contested";
    else this.proceed();
  }

  private proceed(): void {
    if (this.owner.ports === undefined) this.state = "directory";
    else this.welcome();
  }

  private findHelloFault(hello: Hello): RefusalReason | undefined {
    const { identity } = this.owner.context.settings;
    if (hello.cluster !== identity.cluster) return "clusterMismatch";
    if (hello.node === identity.node) return "selfConnection";
    if (hello.targetNode !== identity.node) return "nodeMismatch";
    const { tls } = this.owner.context.settings.credentials;
    if (tls !== undefined && !speaksFor(this.socket, tls.nodeName, hello.node)) {
      return "certificateMismatch";
    }
    // Every shard knows where all of them are, so that one that is down hides no other.
    const isMeant = hello.lane === "directory" || hello.targetShard === identity.shard;
    return isMeant ? undefined : "shardMismatch";
  }

  refuse(reason: RefusalReason): void {
    this.owner.context.counters.refuse(reason);
    this.state = "refused";
    const { cluster, node, shard } = this.owner.context.settings.identity;
    const versions = `${protocolVersion.min} to ${protocolVersion.max}`;
    const who = `shard ${shard} of node ${node} of cluster ${cluster}`;
    const shown =
      reason === "certificateMismatch"
        ? `; your certificate names ${describePeerNames(this.socket)}`
        : "";
    const text = `${reason}: this is ${who}, protocol ${versions}${shown}`;
    this.tell(reason, `it was refused: ${text}`);
    // Closed by the deadline where the peer does not close.
    this.socket.end(encodeRefusal(reason, text));
  }

  private tell(reason: CloseReason, why: string): void {
    if (!isRefusal(reason)) return;
    const node = this.claimed?.node;
    const who = node === undefined ? "A peer" : `A peer that claims to be node ${node}`;
    const message = `${who} at ${this.address}: ${why}`;
    const { refusals } = this.owner.context;
    refusals.note({ direction: "incoming", node, address: this.address, reason, message });
  }

  private welcome(): void {
    const { hello } = this;
    const { ports } = this.owner;
    assert(hello !== undefined && ports !== undefined, "a welcome answers a hello");
    const { settings } = this.owner.context;
    const { node, incarnation } = settings.identity;
    const shard = this.answeringShard(ports);
    if (shard === undefined) {
      this.close();
      return;
    }
    const version = commonVersion(hello.versionMin, hello.versionMax);
    assert(version !== undefined, "the versions were compared");
    const welcomeBytes = encodeWelcomeBytes({
      version,
      node,
      incarnation,
      shard,
      ports,
      frameBytesMax: settings.tuning.frameBytesMax,
      nonce: randomBytes(nonceBytes),
      instance: settings.instance,
    });
    const said = { helloBody: this.helloBody, welcomeBytes };
    this.transcript = said;
    const { secrets } = settings.credentials;
    // One proof for each secret: the dialler may know either, while it is being changed.
    const proofs = secrets.map((secret) => greetingProof(secret, "acceptor", said));
    this.socket.write(encodeWelcome(welcomeBytes, Buffer.concat(proofs)));
    if (hello.lane === "directory") this.state = "told";
    else if (secrets.length > 0) this.state = "proof";
    else this.enter();
  }

  /** Who answers in place of a shard that is down does so for one that is up. */
  private answeringShard(ports: readonly number[]): ShardId | undefined {
    const { identity, standsIn } = this.owner.context.settings;
    if (!standsIn) return identity.shard;
    const up = ports.findIndex((port) => port !== 0);
    return up === -1 ? undefined : up;
  }

  private onProof(proof: Uint8Array): void {
    const { transcript } = this;
    assert(transcript !== undefined, "a proof follows a welcome");
    const { secrets } = this.owner.context.settings.credentials;
    const isProof = (secret: string): boolean =>
      proofsEqual(greetingProof(secret, "dialler", transcript), proof);
    if (!secrets.some(isProof)) {
      this.refuse("proofInvalid");
      return;
    }
    this.enter();
  }

  private enter(): void {
    this.state = "open";
    // Views on the first chunk, which would otherwise be held for as long as the connection lives.
    this.hello = undefined;
    this.helloBody = noProof;
    this.transcript = undefined;
    this.decoder.bytesMax = this.owner.context.settings.tuning.frameBytesMax;
    const fault = this.owner.admit(this);
    this.isAdmitted = fault === undefined;
    if (fault === undefined) {
      this.cancelDeadline();
      this.watchTurn();
    } else if (fault === "nodeInUse") this.refuse(fault);
    else this.close(fault);
  }
}

function readProof(body: Uint8Array): Uint8Array {
  const greeting = readGreeting(body);
  if (greeting.kind !== "proof") throw wrongGreeting(greeting, "proof");
  return greeting.proof;
}

function wrongGreeting({ kind }: Greeting, due: Greeting["kind"]): RaftError {
  return new RaftError("ERR_FRAME_INVALID", `a ${kind} where a ${due} was due`);
}
