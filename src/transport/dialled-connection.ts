/**
 * A connection that this end dialled, for one lane: TCP or TLS, the greeting, then frames in one
 * direction and signals in both. It lives once; dialling again is the link's business.
 *
 *   connecting ──► greeting: Hello sent ──► open: Welcome verified ──► closed
 *
 * An open one is watched: if the other end answers nothing, it is closed as if it had broken.
 */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { RaftError } from "../base/index.ts";
import type { NodeId, ShardId } from "../base/index.ts";
import {
  FrameDecoder,
  bodyOfFrame,
  encodeHello,
  encodeProof,
  frameHeaderBytes,
  greetingBytesMax,
  greetingProof,
  nonceBytes,
  proofBytes,
  proofsEqual,
  protocolVersion,
  readGreeting,
  signalFrames,
  signalOf,
} from "../wire/index.ts";
import type { Frame, Greeting, GreetingLane, Transcript, Welcome } from "../wire/index.ts";
import { formatAddress } from "./address.ts";
import type { Address } from "./address.ts";
import { describePeerNames, speaksFor } from "./certificate-names.ts";
import type { TlsMaterial } from "./credentials.ts";
import type { HostCounts } from "./host-counts.ts";
import { LaneWatch, turnsMax } from "./lane-watch.ts";
import type { RefusalLog } from "./refusal-log.ts";
import type { SocketSet } from "./socket-set.ts";
import type { TransportSettings } from "./tcp-options.ts";
import type { Cancel } from "./timers.ts";
import { isRefusal } from "./transport-counters.ts";
import type { CloseReason, TransportCounters } from "./transport-counters.ts";
import type { LinkFault } from "./transport.ts";

/** How long an idle connection waits before TCP asks whether the peer's host still exists. */
export const keepAliveMs = 15_000;

export interface DialTarget {
  readonly address: Address;
  readonly node: NodeId;
  readonly shard: ShardId;
  readonly lane: GreetingLane;
}

/** What a transport lends to each of its connections. */
export interface ConnectionContext {
  readonly settings: TransportSettings;
  readonly counters: TransportCounters;
  readonly sockets: SocketSet;
  /** Hosts at the other end of greeted connections, in both directions. */
  readonly hosts: HostCounts;
  readonly refusals: RefusalLog;
}

export interface DialledOwner {
  onGreeted(welcome: Welcome): void;
  /** Failed or lost, with or without a greeting before. Called once, and not after `close`. */
  onClosed(fault: LinkFault): void;
  /** The queue was more than half full and is empty. */
  onDrain(): void;
}

export class DialledConnection {
  private readonly context: ConnectionContext;
  private readonly target: DialTarget;
  private readonly owner: DialledOwner;
  private readonly socket: Socket;
  private readonly usesTls: boolean;
  private readonly decoder: FrameDecoder = new FrameDecoder(greetingBytesMax);
  private state: "connecting" | "greeting" | "open" | "closed" = "connecting";
  private cancelDeadline: Cancel;
  private helloBody: Uint8Array = new Uint8Array(0);
  /** The longest frame that the peer takes. */
  private peerFrameBytesMax = 0;
  private drainDue = false;
  private readonly watch: LaneWatch = new LaneWatch();

  constructor(context: ConnectionContext, target: DialTarget, owner: DialledOwner) {
    this.context = context;
    this.target = target;
    this.owner = owner;
    const { timers, tuning, credentials } = context.settings;
    const { tls } = credentials;
    this.cancelDeadline = timers.after(tuning.connectTimeoutMs, () =>
      this.fail("connectFailed", `no connection in ${tuning.connectTimeoutMs} ms`),
    );
    this.usesTls = tls !== undefined;
    this.socket = openSocket(target.address, tls);
    context.sockets.add(this.socket);
    this.socket.once(tls === undefined ? "connect" : "secureConnect", () => this.greet());
    this.socket.on("data", (chunk: Buffer) => this.onData(chunk));
    this.socket.on("end", () => this.fail("connectionLost", "the other end closed the connection"));
    this.socket.on("error", (error) => this.onError(error));
    this.socket.on("close", () => this.fail("connectionLost", "the connection was closed"));
  }

  get queuedBytes(): number {
    return this.state === "open" ? this.socket.writableLength : 0;
  }

  tellDrained(): void {
    this.drainDue = true;
  }

  /** Queues a frame; false and counted where it cannot be queued. */
  send(frame: Frame): boolean {
    const { counters, settings } = this.context;
    const bytesMax = settings.tuning.sendQueueBytesMax;
    let bytes = 0;
    for (const part of frame) bytes += part.length;
    const queued = this.socket.writableLength + bytes;
    if (this.state !== "open" || queued > bytesMax || bytes > this.peerFrameBytesMax) {
      counters.framesDropped += 1;
      return false;
    }
    if (queued * 2 > bytesMax) this.drainDue = true;
    counters.framesSent += 1;
    counters.bytesSent += bytes;
    this.write(frame);
    return true;
  }

  /** One system call for all parts. */
  private write(frame: Frame): void {
    const { socket } = this;
    if (frame.length > 1) socket.cork();
    const last = frame.length - 1;
    for (const [at, part] of frame.entries()) {
      if (at < last) socket.write(part);
      else socket.write(part, this.onWritten);
    }
    if (frame.length > 1) socket.uncork();
  }

  /** Ends it without telling the owner. */
  close(): void {
    this.state = "closed";
    this.cancelDeadline();
    this.socket.destroy();
  }

  private readonly onWritten = (): void => {
    if (this.state !== "open" || !this.drainDue || this.socket.writableLength > 0) return;
    this.drainDue = false;
    this.owner.onDrain();
  };

  private fail(reason: CloseReason | "connectFailed" | "connectionLost", why: string): void {
    if (this.state === "closed") return;
    this.close();
    const { node, address } = this.target;
    const at = formatAddress(address);
    const text = `${at}: ${why}`;
    const refused = isRefusal(reason);
    if (reason !== "connectFailed" && reason !== "connectionLost") {
      this.context.counters.refuse(reason);
    }
    if (refused) {
      const message = `Node ${node} at ${text}`;
      this.context.refusals.note({ direction: "outgoing", node, address: at, reason, message });
    }
    this.owner.onClosed({ reason, text, refused });
  }

  private onError(error: Error): void {
    // A system call that fails says "nobody there", which is no fault of a peer; what is left is
    // said by TLS.
    const tlsFailed = this.usesTls && !("syscall" in error);
    const lost = this.state === "open" ? "connectionLost" : "connectFailed";
    this.fail(tlsFailed ? "tlsFailed" : lost, error.message);
  }

  private greet(): void {
    if (this.state !== "connecting") return;
    const { tls } = this.context.settings.credentials;
    if (tls !== undefined && !speaksFor(this.socket, tls.nodeName, this.target.node)) {
      const names = describePeerNames(this.socket);
      this.fail("certificateMismatch", `its certificate names ${names}, not the node`);
      return;
    }
    this.state = "greeting";
    const { identity, timers, tuning } = this.context.settings;
    this.cancelDeadline();
    this.cancelDeadline = timers.after(tuning.greetingTimeoutMs, () =>
      this.fail("greetingTimeout", `no answer to the greeting in ${tuning.greetingTimeoutMs} ms`),
    );
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, keepAliveMs);
    const hello = encodeHello({
      versionMin: protocolVersion.min,
      versionMax: protocolVersion.max,
      ...identity,
      targetNode: this.target.node,
      targetShard: this.target.shard,
      lane: this.target.lane,
      frameBytesMax: tuning.frameBytesMax,
      nonce: randomBytes(nonceBytes),
      instance: this.context.settings.instance,
    });
    this.helloBody = bodyOfFrame(hello);
    this.socket.write(hello);
  }

  private onData(chunk: Buffer): void {
    if (this.state === "closed") return;
    this.context.counters.bytesReceived += chunk.length;
    if (this.state === "open") {
      this.onSignals(chunk);
      return;
    }
    if (this.state !== "greeting") {
      this.fail("unexpectedFrame", "it spoke before it was greeted");
      return;
    }
    const bodies: Uint8Array[] = [];
    let greeting: Greeting | undefined;
    try {
      this.decoder.push(chunk, (body) => bodies.push(body));
      const [first] = bodies;
      if (first !== undefined) greeting = readGreeting(first);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      this.fail("greetingInvalid", error.message);
      return;
    }
    if (greeting === undefined) return;
    // Nothing else is said before the answer has been read.
    if (bodies.length > 1 || this.decoder.partial) {
      this.fail("unexpectedFrame", "it spoke on after its welcome");
    } else this.onGreeting(greeting);
  }

  private onSignals(chunk: Buffer): void {
    try {
      this.decoder.push(chunk, this.onSignal);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      this.fail("unexpectedFrame", error.message);
    }
  }

  private readonly onSignal = (body: Uint8Array): void => {
    if (this.state !== "open") return;
    const signal = signalOf(body);
    if (signal === undefined) {
      const greeting = readGreeting(body);
      if (greeting.kind === "refusal") this.onRefusal(greeting);
      else this.fail("unexpectedFrame", `it sent a ${greeting.kind} after its welcome`);
      return;
    }
    this.watch.heard();
    if (signal === "probe") this.socket.write(signalFrames.heard);
  };

  private onGreeting(greeting: Greeting): void {
    if (greeting.kind === "refusal") {
      this.onRefusal(greeting);
      return;
    }
    if (greeting.kind !== "welcome") {
      this.fail("greetingInvalid", `it answered the hello with a ${greeting.kind}`);
      return;
    }
    const { welcome, welcomeBytes, proof } = greeting;
    const said = { helloBody: this.helloBody, welcomeBytes };
    const secret = this.secretOf(said, proof);
    const fault = this.findWelcomeFault(welcome, secret, proof);
    if (fault !== undefined) {
      this.fail(fault, describeWelcomeFault(fault, welcome, this.target));
      return;
    }
    if (secret !== undefined && this.target.lane !== "directory") {
      this.socket.write(encodeProof(greetingProof(secret, "dialler", said)));
    }
    this.cancelDeadline();
    this.state = "open";
    this.peerFrameBytesMax = welcome.frameBytesMax + frameHeaderBytes;
    this.context.hosts.addUntilClosed(this.socket);
    if (this.target.lane !== "directory") this.watchTurn();
    this.owner.onGreeted(welcome);
  }

  /** Something says that the peer may have lost this connection: asks it now. */
  suspect(): void {
    if (this.state !== "open") return;
    this.watch.suspect();
    this.probe();
  }

  private watchTurn(): void {
    const { timers, tuning } = this.context.settings;
    this.cancelDeadline = timers.after(Math.ceil(tuning.silenceMs / turnsMax), () => {
      const verdict = this.watch.turn();
      if (verdict === "lost") {
        this.fail("silent", `nothing came back in ${tuning.silenceMs} ms`);
        return;
      }
      if (verdict === "probe") this.probe();
      this.watchTurn();
    });
  }

  private probe(): void {
    // Behind bytes that the kernel does not take it would ask nothing that they do not ask.
    if (this.socket.writableLength === 0) this.socket.write(signalFrames.probe);
  }

  /** Its words come from another process and are shown to people. */
  private onRefusal({ reason, text }: Greeting & { kind: "refusal" }): void {
    this.fail(`peerRefused:${reason}`, `it refused us: ${printable(text)}`);
  }

  /** The secret that both ends know; the acceptor sends a proof of each that it knows. */
  private secretOf(said: Transcript, proofs: Uint8Array): string | undefined {
    const { secrets } = this.context.settings.credentials;
    return secrets.find((secret) => {
      const expected = greetingProof(secret, "acceptor", said);
      for (let at = 0; at < proofs.length; at += proofBytes) {
        if (proofsEqual(expected, proofs.subarray(at, at + proofBytes))) return true;
      }
      return false;
    });
  }

  /** The proof comes first: nothing that a stranger says about itself matters. */
  private findWelcomeFault(
    welcome: Welcome,
    secret: string | undefined,
    proof: Uint8Array,
  ): WelcomeFault | undefined {
    if (secret === undefined) {
      if (this.context.settings.credentials.secrets.length > 0) return "proofInvalid";
      if (proof.length > 0) return "secretRequired";
    }
    if (welcome.version < protocolVersion.min || welcome.version > protocolVersion.max) {
      return "versionUnsupported";
    }
    if (welcome.node !== this.target.node) return "nodeMismatch";
    const isMeant = this.target.lane === "directory" || welcome.shard === this.target.shard;
    return isMeant ? undefined : "shardMismatch";
  }
}

type WelcomeFault = "secretRequired" | "proofInvalid" | "versionUnsupported" | PlaceFault;
type PlaceFault = "nodeMismatch" | "shardMismatch";

function describeWelcomeFault(fault: WelcomeFault, welcome: Welcome, target: DialTarget): string {
  switch (fault) {
    case "secretRequired":
      return "it asks for a secret, and this node has none";
    case "proofInvalid":
      return "it does not know the secret of this node";
    case "versionUnsupported":
      return `it speaks version ${welcome.version} of the protocol`;
    case "nodeMismatch":
    case "shardMismatch":
      return `it is shard ${welcome.shard} of node ${welcome.node}, not shard ${target.shard} of node ${target.node}`;
  }
}

function printable(text: string): string {
  return text.replaceAll(/[^ -~]/g, "?");
}

function openSocket(address: Address, tls: TlsMaterial | undefined): Socket {
  const { host, port } = address;
  if (tls === undefined) return connect({ host, port, noDelay: true });
  const { servername } = tls.options;
  return connectTls({
    host,
    port,
    secureContext: tls.context,
    rejectUnauthorized: true,
    ...(servername === undefined ? {} : { servername }),
  });
}
