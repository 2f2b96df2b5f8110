/**
 * A node that speaks the protocol by hand: it sends whatever a test wants and keeps what it is
 * sent.
 */
import assert from "node:assert/strict";
import type { Incarnation, NodeId } from "../../src/base/index.ts";
import { encodeEntries } from "../../src/raft/index.ts";
import type { Block, Message } from "../../src/raft/index.ts";
import { MemoryTransport } from "../../src/transport/index.ts";
import type { PeerShard, TransportHandler } from "../../src/transport/index.ts";
import {
  MessageBatch,
  crc32c,
  decodeCbor,
  encodeCbor,
  encodeFrame,
  readMessages,
  wholeFrame,
} from "../../src/wire/index.ts";
import type { ShardMessage, ShardRequest } from "../../src/wire/index.ts";
import type { ShardCluster } from "./shard-cluster.ts";

/** What a node sends that offers a creation, to members in their present data directories. */
export function offerPayload(
  cluster: ShardCluster,
  members: readonly (readonly [NodeId, Incarnation])[],
  { level = 0, term = 0 } = {},
): Uint8Array {
  const cells = members.map(([node, incarnation]) => {
    const known = cluster.nodes.includes(node);
    return [node, incarnation, known ? cluster.at(node).transport.identity.incarnation : 99];
  });
  return encodeCbor([level, term, cells]);
}

export class FakePeer implements TransportHandler {
  readonly node: NodeId;
  readonly shardMessages: ShardMessage[] = [];
  readonly messages: Message[] = [];
  /** Answers every request to create a replica, as a good member would. */
  joins = true;
  /** Its own incarnation in the group it joined last. */
  incarnation: Incarnation = 1;
  private readonly transport: MemoryTransport;

  private constructor(
    cluster: ShardCluster,
    node: NodeId,
    { directory, name }: { directory: Incarnation; name: string },
  ) {
    this.node = node;
    const shape = { shard: 0, shards: 1, port: 0 };
    const identity = { cluster: name, node, incarnation: directory, ...shape };
    this.transport = new MemoryTransport(cluster.network, identity);
  }

  /** Joins the network, with links to and from `target`, which goes on knowing `others`. */
  static async start(
    cluster: ShardCluster,
    node: NodeId,
    target: NodeId,
    {
      others = [],
      directory = 99,
      name = "test",
    }: { others?: readonly FakePeer[]; directory?: number; name?: string } = {},
  ): Promise<FakePeer> {
    const peer = new FakePeer(cluster, node, { directory, name });
    await peer.transport.listen(peer);
    peer.transport.setDirectory([peer.transport.port]);
    const { transport } = cluster.at(target);
    peer.transport.setPeers({ [target]: `memory:${transport.port}` });
    const all = [...others, peer].map((each) => [each.node, `memory:${each.transport.port}`]);
    transport.setPeers(Object.fromEntries(all));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      peer.transport.link(target, 0);
      transport.link(node, 0);
      await cluster.run();
    }
    return peer;
  }

  /** Sends messages to a node in one frame. */
  send(target: NodeId, messages: readonly ShardMessage[]): void {
    const batch = new MessageBatch();
    for (const message of messages) batch.addShardMessage(message);
    this.sendFrame(target, wholeFrame(batch.take()));
  }

  sendToGroup(target: NodeId, group: number, message: Message): void {
    const batch = new MessageBatch();
    batch.addMessage(group, this.incarnation, message);
    this.sendFrame(target, wholeFrame(batch.take()));
  }

  sendFrame(target: NodeId, frame: Uint8Array): void {
    const link = this.transport.link(target, 0);
    assert.ok(link?.send("data", [frame]) === true, "the frame leaves");
  }

  sendBody(target: NodeId, value: unknown): void {
    this.sendFrame(target, encodeFrame(value));
  }

  isUp(target: NodeId): boolean {
    return this.transport.link(target, 0)?.up === true;
  }

  /** The newest request of another kind than creation and removal. */
  get lastRequest(): ShardRequest {
    const request = this.shardMessages.filter((message) => message.kind === "shardRequest").at(-1);
    assert.ok(request?.kind === "shardRequest");
    return request;
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  onFrame(from: PeerShard, body: Uint8Array): void {
    readMessages(body, 1, 2, {
      onMessage: (_group, _incarnation, message) => this.messages.push(message),
      onShardMessage: (message) => {
        this.shardMessages.push(message);
        if (message.kind === "shardRequest" && message.op === 3) this.takeCreation(from, message);
      },
    });
  }

  onLinkUp(): void {}
  onLinkDown(): void {}
  onDrain(): void {}
  onPeerGone(): void {}
  onRefused(): void {}

  private takeCreation(from: PeerShard, { id, group, payload }: ShardRequest): void {
    const offer = decodeCbor(payload);
    assert.ok(Array.isArray(offer) && Array.isArray(offer[2]));
    for (const [node, incarnation] of offer[2]) {
      if (node === this.node) this.incarnation = incarnation;
    }
    if (!this.joins) return;
    const answer = { kind: "shardResponse", id, group, failed: false, index: 0 } as const;
    this.send(from.node, [{ ...answer, payload: new Uint8Array(0) }]);
  }
}

/** A block of one command, for appends by hand. */
export function blockOf(first: number, term: number, command: string): Block {
  const bytes = encodeEntries([new TextEncoder().encode(command)]);
  return { first, term, kind: 0, count: 1, timeMs: 0, checksum: crc32c(bytes), bytes };
}
