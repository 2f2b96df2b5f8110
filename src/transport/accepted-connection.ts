/**
 * A connection that a peer dialled: its greeting is judged, then its frames go to the shard.
 * Whatever is wrong with its bytes ends this connection, is counted, and does nothing else.
 *
 *   hello ──► directory (ports of this node not known yet) ──► proof (with a secret) ──► open
 *     │                                                  └──► told: asked for the directory only
 *     └──► refused: told why, then closed
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { RaftError, assert } from "../base/index.ts";
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
} from "../wire/index.ts";
import type { Greeting, GreetingLane, Hello, RefusalReason, Transcript } from "../wire/index.ts";
import { keepAliveMs } from "./dialled-connection.ts";
import type { ConnectionContext } from "./dialled-connection.ts";
import type { Cancel } from "./timers.ts";
import type { CloseReason } from "./transport-counters.ts";
import type { PeerShard } from "./transport.ts";

export interface AcceptedOwner {
  readonly context: ConnectionContext;
  /** Ports of this node's shards, undefined until all are bound. */
  readonly ports: readonly number[] | undefined;
  /** The greeting is complete. False where there are too many connections already. */
  admit(connection: AcceptedConnection): boolean;
  onFrame(from: PeerShard, body: Uint8Array): void;
  /** Called once. */
  onClosed(connection: AcceptedConnection): void;
}

type State = "hello" | "directory" | "proof" | "open" | "told" | "refused" | "closed";

const noProof = new Uint8Array(0);

export class AcceptedConnection {
  private readonly owner: AcceptedOwner;
  private readonly socket: Socket;
  private readonly decoder: FrameDecoder = new FrameDecoder(greetingBytesMax);
  private readonly cancelDeadline: Cancel;
  private state: State = "hello";
  private hello: Hello | undefined;
  private helloBody: Uint8Array = noProof;
  private transcript: Transcript | undefined;
  /** Who greeted, set with the Hello; proved once the state is `open`. */
  private claimed: PeerShard | undefined;
  private claimedLane: GreetingLane = "directory";
  private isAdmitted = false;

  constructor(owner: AcceptedOwner, socket: Socket) {
    this.owner = owner;
    this.socket = socket;
    const { timers, tuning } = owner.context.settings;
    this.cancelDeadline = timers.after(tuning.greetingTimeoutMs, () => this.onDeadline());
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
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

  get lane(): GreetingLane {
    return this.claimedLane;
  }

  close(reason?: CloseReason): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.cancelDeadline();
    this.socket.destroy();
    if (reason !== undefined) this.owner.context.counters.refuse(reason);
    this.owner.onClosed(this);
  }

  /** The ports of this node's shards are known: a greeting that waited for them goes on. */
  onDirectory(): void {
    if (this.state === "directory") this.welcome();
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
        this.owner.context.counters.framesReceived += 1;
        this.owner.onFrame(this.peer, body);
        return;
      case "hello":
        this.onHello(readGreetingOf(body, "hello"), body);
        return;
      case "proof":
        this.onProof(readGreetingOf(body, "proof"));
        return;
      case "directory":
      case "told":
        throw new RaftError("ERR_FRAME_INVALID", "a frame before the greeting is complete");
      case "refused":
      case "closed":
        // The rest of a chunk whose earlier frame ended the connection.
        return;
    }
  };

  private onHello(greeting: Greeting & { kind: "hello" }, body: Uint8Array): void {
    const { hello } = greeting;
    this.hello = hello;
    this.helloBody = body;
    this.claimedLane = hello.lane;
    this.claimed = { node: hello.node, shard: hello.shard, incarnation: hello.incarnation };
    const fault = this.findHelloFault(hello);
    if (fault !== undefined) {
      this.refuse(fault);
    } else if (this.owner.ports === undefined) {
      this.state = "directory";
    } else {
      this.welcome();
    }
  }

  private findHelloFault(hello: Hello): RefusalReason | undefined {
    const { identity } = this.owner.context.settings;
    if (commonVersion(hello.versionMin, hello.versionMax) === undefined)
      return "versionUnsupported";
    if (hello.cluster !== identity.cluster) return "clusterMismatch";
    if (hello.node === identity.node) return "selfConnection";
    if (hello.targetNode !== identity.node) return "nodeMismatch";
    return hello.targetShard === identity.shard ? undefined : "shardMismatch";
  }

  private refuse(reason: RefusalReason): void {
    this.owner.context.counters.refuse(reason);
    this.state = "refused";
    const { cluster, node, shard } = this.owner.context.settings.identity;
    const versions = `${protocolVersion.min} to ${protocolVersion.max}`;
    const who = `shard ${shard} of node ${node} of cluster ${cluster}`;
    const text = `${reason}: this is ${who}, protocol ${versions}`;
    // Closed by the deadline where the peer does not close.
    this.socket.end(encodeRefusal(reason, text));
  }

  private welcome(): void {
    const { hello } = this;
    const { ports } = this.owner;
    assert(hello !== undefined && ports !== undefined, "a welcome answers a hello");
    const { settings } = this.owner.context;
    const { node, incarnation, shard } = settings.identity;
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
    });
    const said = { helloBody: this.helloBody, welcomeBytes };
    this.transcript = said;
    const { secret } = settings;
    const proof = secret === undefined ? noProof : greetingProof(secret, "acceptor", said);
    this.socket.write(encodeWelcome(welcomeBytes, proof));
    if (hello.lane === "directory") this.state = "told";
    else if (secret !== undefined) this.state = "proof";
    else this.enter();
  }

  private onProof(greeting: Greeting & { kind: "proof" }): void {
    const { secret } = this.owner.context.settings;
    const { transcript } = this;
    assert(secret !== undefined && transcript !== undefined, "a proof is due only with a secret");
    if (!proofsEqual(greetingProof(secret, "dialler", transcript), greeting.proof)) {
      this.refuse("proofInvalid");
      return;
    }
    this.enter();
  }

  private enter(): void {
    this.state = "open";
    this.cancelDeadline();
    // Views on the first chunk, which would otherwise be held for as long as the connection lives.
    this.hello = undefined;
    this.helloBody = noProof;
    this.transcript = undefined;
    this.decoder.bytesMax = this.owner.context.settings.tuning.frameBytesMax;
    this.isAdmitted = this.owner.admit(this);
    if (!this.isAdmitted) this.close("tooManyConnections");
  }
}

function readGreetingOf<K extends "hello" | "proof">(
  body: Uint8Array,
  kind: K,
): Greeting & { kind: K } {
  const greeting = readGreeting(body);
  if (isGreetingOf(greeting, kind)) return greeting;
  throw new RaftError("ERR_FRAME_INVALID", `a ${greeting.kind} where a ${kind} was due`);
}

function isGreetingOf<K extends Greeting["kind"]>(
  greeting: Greeting,
  kind: K,
): greeting is Greeting & { kind: K } {
  return greeting.kind === kind;
}
