/** Real transports on the loopback, what they tell their shard, and raw sockets to say the wrong thing to them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { TestContext } from "node:test";
import { Prng } from "../../../src/base/index.ts";
import type { NodeId } from "../../../src/base/index.ts";
import { TcpTransport } from "../../../src/transport/index.ts";
import type {
  Link,
  PeerRefusal,
  PeerShard,
  TcpTransportOptions,
  Transport,
  TransportHandler,
} from "../../../src/transport/index.ts";
import {
  FrameDecoder,
  crc32c,
  decodeCbor,
  encodeFrameParts,
  encodeHello,
  protocolVersion,
  readGreeting,
} from "../../../src/wire/index.ts";
import type { Frame, Greeting, Hello } from "../../../src/wire/index.ts";

const deadlineMs = 10_000;

const large = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, at) => (at * 31) & 0xff));
/** A body with two large byte strings, and its frame, in which they are parts of their own. */
export const bodyOfParts = ["parts", large, 7, large.subarray(5, 70_000), "end"] as const;
export const frameInParts: Frame = encodeFrameParts(
  bodyOfParts,
  [1, 3].map((at) => {
    const bytes = bodyOfParts[at];
    assert.ok(bytes instanceof Uint8Array);
    return { at, bytes, checksum: crc32c(bytes) };
  }),
);
const pollMs = 2;

/** Waits until `condition` holds; fails, saying what was waited for, when it takes too long. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const startedMs = performance.now();
  while (!condition()) {
    assert.ok(performance.now() - startedMs < deadlineMs, `waited too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** A shard's side of a transport: writes down everything, and refuses bodies that are not CBOR. */
export class Recorder implements TransportHandler {
  readonly frames: { readonly from: PeerShard; readonly value: unknown }[] = [];
  readonly ups: Link[] = [];
  readonly downs: Link[] = [];
  readonly drains: Link[] = [];
  readonly gone: NodeId[] = [];
  readonly refusals: PeerRefusal[] = [];
  /** Called with each value before it is written down. */
  inspect: (value: unknown) => void = () => {};

  onFrame(from: PeerShard, body: Uint8Array): void {
    const value = decodeCbor(body);
    this.inspect(value);
    this.frames.push({ from, value });
  }
  onLinkUp(link: Link): void {
    assert.equal(link.up, true);
    this.ups.push(link);
  }
  onLinkDown(link: Link): void {
    assert.equal(link.up, false);
    this.downs.push(link);
  }
  onDrain(link: Link): void {
    this.drains.push(link);
  }
  onPeerGone(node: NodeId): void {
    this.gone.push(node);
  }
  onRefused(refusal: PeerRefusal): void {
    this.refusals.push(refusal);
  }

  get values(): unknown[] {
    return this.frames.map((frame) => frame.value);
  }
}

export interface Shard {
  readonly transport: TcpTransport;
  readonly recorder: Recorder;
}

/** Options of shard 0 of a node of one shard, fast to reconnect. */
export function optionsOf(
  node: NodeId,
  more: Partial<TcpTransportOptions> = {},
): TcpTransportOptions {
  return {
    cluster: "test",
    node,
    incarnation: 1,
    shard: 0,
    shards: 1,
    host: "127.0.0.1",
    port: 0,
    prng: new Prng(1),
    reconnectMinMs: 2,
    reconnectMaxMs: 20,
    ...more,
  };
}

/** A transport that listens and is closed after the test. Its directory is set where it is its node's only shard. */
export async function startShard(t: TestContext, options: TcpTransportOptions): Promise<Shard> {
  const transport = new TcpTransport(options);
  const recorder = new Recorder();
  t.after(() => transport.close());
  await transport.listen(recorder);
  if (options.shards === 1) transport.setDirectory([transport.port]);
  return { transport, recorder };
}

export async function startNode(
  t: TestContext,
  node: NodeId,
  more: Partial<TcpTransportOptions> = {},
): Promise<Shard> {
  return startShard(t, optionsOf(node, more));
}

export function addressOf(shard: Shard): string {
  return `127.0.0.1:${shard.transport.port}`;
}

/** Asks for the link until it exists and is up. */
export async function linkUp(transport: Transport, node: NodeId, group = 0): Promise<Link> {
  await until(`the link to ${node} is up`, () => transport.link(node, group)?.up === true);
  const link = transport.link(node, group);
  assert.ok(link !== undefined);
  return link;
}

export function refusedOf(shard: Shard): Readonly<Record<string, number>> {
  return shard.transport.stats().connectionsRefused;
}

/** A connection without a transport behind it. */
export class RawPeer {
  readonly socket: Socket;
  private readonly decoder = new FrameDecoder();
  readonly bodies: Uint8Array[] = [];
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
    socket.on("data", (chunk: Buffer) =>
      this.decoder.push(chunk, (body) => {
        this.bodies.push(body);
      }),
    );
  }

  static async dial(t: TestContext, port: number): Promise<RawPeer> {
    const socket = connect({ host: "127.0.0.1", port });
    t.after(() => socket.destroy());
    await once(socket, "connect");
    return new RawPeer(socket);
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  async answer(): Promise<Greeting> {
    await until("the acceptor answers", () => this.bodies.length > 0);
    return readGreeting(this.bodies.shift() ?? new Uint8Array(0));
  }

  async end(): Promise<void> {
    await until("the other side closes", () => this.closed);
  }
}

export function helloOf(more: Partial<Hello> = {}): Hello {
  return {
    versionMin: protocolVersion.min,
    versionMax: protocolVersion.max,
    cluster: "test",
    node: "raw",
    incarnation: 9,
    shard: 0,
    shards: 1,
    targetNode: "a",
    targetShard: 0,
    lane: "data",
    frameBytesMax: 1_000_000,
    nonce: new Uint8Array(32),
    instance: 9,
    ...more,
  };
}

/** Dials and greets, so that its next bytes count as frames. */
export async function dialGreeted(
  t: TestContext,
  port: number,
  more: Partial<Hello> = {},
): Promise<RawPeer> {
  const raw = await RawPeer.dial(t, port);
  raw.write(encodeHello(helloOf(more)));
  assert.equal((await raw.answer()).kind, "welcome");
  return raw;
}

/** A frame with a body of any bytes, valid in length and checksum. */
export function frameAround(body: Uint8Array, checksum: number): Uint8Array {
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame.writeUInt32BE(checksum, 4);
  frame.set(body, 8);
  return frame;
}
