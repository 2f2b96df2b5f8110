/**
 * Real shards of several nodes in one thread: over MemoryTransports and MemoryStores, with a clock
 * that the test moves and a scheduler that runs waiting tasks in an order drawn from a seed.
 */
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Prng, resolveOptions, shardOfGroup } from "../../src/base/index.ts";
import type { GroupId, NodeId } from "../../src/base/index.ts";
import { MemoryDisk, MemoryStore } from "../../src/log/index.ts";
import type { LogStore } from "../../src/log/index.ts";
import { raftOptionTable } from "../../src/raft/index.ts";
import type { Message } from "../../src/raft/index.ts";
import { InHand, Shard, newHandMemory, shardOptionTable } from "../../src/shard/index.ts";
import type {
  CreateStateMachine,
  GroupCreated,
  GroupStatus,
  HeldGroup,
  ShardOptions,
  ShardStats,
  StateMachine,
} from "../../src/shard/index.ts";
import { MemoryNetwork, MemoryTransport } from "../../src/transport/index.ts";
import type { Lane, MemoryFrame } from "../../src/transport/index.ts";
import { bodyOfFrame, readMessages } from "../../src/wire/index.ts";
import type { ShardMessage } from "../../src/wire/index.ts";
import { ListMachine } from "./list-machine.ts";
import type { Call } from "./shard-client.ts";
import { ShardClient } from "./shard-client.ts";

export interface ClusterOptions {
  readonly nodes?: readonly NodeId[];
  readonly shards?: number;
  /** Of single nodes, in place of `shards`. */
  readonly shardsOf?: Readonly<Record<NodeId, number>>;
  readonly seed?: number;
  readonly options?: Partial<ShardOptions>;
  readonly makeStore?: (node: NodeId, disk: MemoryDisk) => LogStore;
  readonly createStateMachine?: CreateStateMachine;
}

/** A message that was delivered. */
export interface Delivered {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly lane: Lane;
  readonly group: GroupId;
  readonly kind: Message["kind"] | ShardMessage["kind"];
  readonly message: Message | ShardMessage;
}

/** One shard of one node, from its start to its end or crash. */
export interface RunningShard {
  readonly shard: Shard;
  readonly client: ShardClient;
  readonly transport: MemoryTransport;
  alive: boolean;
  ended: boolean;
}

/** Turns without any task after which nothing is in flight any more: a commit takes a few. */
const quietTurns = 3;
const tasksMax = 2_000_000;

export class ShardCluster {
  readonly seed: number;
  readonly network: MemoryNetwork;
  readonly nodes: readonly NodeId[];
  readonly options: ShardOptions;
  readonly delivered: Delivered[] = [];
  readonly disks: Map<NodeId, MemoryDisk[]> = new Map();
  readonly stores: Map<NodeId, LogStore> = new Map();
  /** The machine made last for each replica, by "node group". */
  readonly machines: Map<string, StateMachine> = new Map();
  nowMs = 0;
  /** Groups that a node's shards hold when they open. */
  readonly held: Map<NodeId, readonly HeldGroup[]> = new Map();
  /** Where each shard says which group it works for, by "node shard". */
  readonly hands: Map<string, SharedArrayBuffer> = new Map();
  /** Which frames are lost silently. */
  loses: ((frame: MemoryFrame) => boolean) | undefined;
  private readonly prng: Prng;
  private readonly settings: ClusterOptions;
  private readonly running: Map<NodeId, RunningShard[]> = new Map();
  private readonly clients: ShardClient[] = [];
  private readonly incarnations: Map<NodeId, number> = new Map();
  private tasks: (() => void)[] = [];
  private timers: { ms: number; dueMs: number; task: () => void }[] = [];

  constructor(settings: ClusterOptions = {}) {
    this.settings = settings;
    this.seed = settings.seed ?? Number(process.env["FLOTILLA_SEED"] ?? 1);
    this.prng = new Prng(this.seed);
    this.nodes = settings.nodes ?? ["a", "b", "c"];
    this.options = {
      ...resolveOptions({ ...shardOptionTable, ...raftOptionTable }, {}),
      ...settings.options,
    };
    const schedule = (task: () => void): void => void this.tasks.push(task);
    this.network = new MemoryNetwork(schedule, {
      carry: (_, arrive) => schedule(arrive),
      arriving: (frame) => {
        if (this.loses?.(frame) === true) return undefined;
        this.record(frame);
        return frame.frame;
      },
    });
  }

  /** How many shards a node has. */
  shardsOf(node: NodeId): number {
    return this.settings.shardsOf?.[node] ?? this.settings.shards ?? 1;
  }

  private record({ from, to, lane, frame }: MemoryFrame): void {
    // What others send may be anything.
    if (!this.nodes.includes(from.node)) return;
    const record = (message: Message | ShardMessage, group: GroupId): void => {
      const { kind } = message;
      this.delivered.push({ from: from.node, to: to.node, lane, group, kind, message });
    };
    readMessages(bodyOfFrame(frame), 1, 2, {
      onMessage: (group, _incarnation, message) => record(message, group),
      onShardMessage: (message) => {
        if ("group" in message) record(message, message.group);
      },
    });
  }

  static async start(settings: ClusterOptions = {}): Promise<ShardCluster> {
    const cluster = new ShardCluster(settings);
    for (const node of cluster.nodes) await cluster.boot(node);
    await cluster.introduce();
    return cluster;
  }

  /** Opens a node's shards on its disks; `introduce` tells the others where it is. */
  async boot(node: NodeId): Promise<void> {
    const disks = this.disks.get(node) ?? [];
    this.disks.set(node, disks);
    const incarnation = this.incarnations.get(node) ?? this.prng.incarnation();
    this.incarnations.set(node, incarnation);
    const running: RunningShard[] = [];
    for (let shard = 0; shard < this.shardsOf(node); shard += 1) {
      const disk = disks[shard] ?? new MemoryDisk();
      disks[shard] = disk;
      running.push(await this.openShard(node, shard, { disk, incarnation }));
    }
    this.running.set(node, running);
    const ports = running.map(({ transport }) => transport.port);
    for (const { client } of running) client.control({ kind: "start", ports });
  }

  private async openShard(
    node: NodeId,
    shard: number,
    { disk, incarnation }: { disk: MemoryDisk; incarnation: number },
  ): Promise<RunningShard> {
    const store = this.settings.makeStore?.(node, disk) ?? new MemoryStore({ disk });
    if (shard === 0) this.stores.set(node, store);
    const shards = this.shardsOf(node);
    const identity = { cluster: "test", node, incarnation, shard, shards, port: 0 };
    const transport = new MemoryTransport(this.network, identity);
    const client = new ShardClient(this.options.shardBytesMax, () => {
      this.tasks.push(() => handOver());
    });
    const soon = (task: () => void): void => {
      this.tasks.push(() => {
        if (slot.alive) task();
      });
    };
    const hand = newHandMemory();
    this.hands.set(`${node} ${shard}`, hand);
    const environment = {
      node,
      incarnation,
      shard,
      clock: { wallMs: () => 1_700_000_000_000 + this.nowMs, monotonicMs: () => this.nowMs },
      scheduler: {
        soon,
        every: (ms: number, task: () => void) => this.every(ms, () => soon(task)),
      },
      prng: new Prng(this.prng.uint32()),
      store,
      transport,
      inHand: new InHand(hand),
      createStateMachine: this.machineMaker(),
      post: (mail: ArrayBuffer) => {
        if (slot.alive) client.receive(mail);
      },
    };
    const slot: RunningShard = {
      shard: new Shard(environment, this.options),
      client,
      transport,
      alive: true,
      ended: false,
    };
    const handOver = (): void => {
      const mail = client.takeMail();
      if (mail !== undefined && slot.alive) slot.shard.receive(mail);
    };
    void slot.shard.ended.then(() => {
      slot.ended = true;
    });
    this.clients.push(client);
    await slot.shard.open({ recover: true, held: this.held.get(node) ?? [] });
    return slot;
  }

  private machineMaker(): CreateStateMachine {
    const create = this.settings.createStateMachine ?? (() => new ListMachine());
    return (context) => {
      const machine = create(context);
      this.machines.set(`${context.node} ${context.group}`, machine);
      return machine;
    };
  }

  private every(ms: number, task: () => void): () => void {
    const timer = { ms, dueMs: this.nowMs + ms, task };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Gives every node that runs the addresses of all, and lets the links come up. */
  async introduce(): Promise<void> {
    const addresses: Record<NodeId, string> = {};
    for (const [node, shards] of this.running) {
      addresses[node] = `memory:${shards[0]?.transport.port ?? 0}`;
    }
    for (const shards of this.running.values()) {
      for (const { client } of shards) client.control({ kind: "setPeers", addresses });
    }
    // Links are dialled when they are asked for: here all of them, so that no test depends on who
    // spoke first.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await this.run();
      for (const { transport } of [...this.running.values()].flat()) {
        for (const other of this.nodes) {
          for (let group = 0; group < this.shardsOf(other) * 8; group += 1)
            transport.link(other, group);
        }
      }
    }
    await this.run();
  }

  /**
   * Runs everything that waits, in an order drawn from the seed, until nothing does. Time stands
   * still.
   */
  async run(): Promise<void> {
    let quiet = 0;
    for (let ran = 0; quiet < quietTurns; ) {
      if (this.tasks.length === 0) {
        quiet += 1;
        await nextTurn();
        continue;
      }
      quiet = 0;
      const batch = this.tasks;
      this.tasks = [];
      while (batch.length > 0) {
        const at = this.prng.between(0, batch.length);
        const task = batch[at];
        const last = batch.pop();
        if (at < batch.length && last !== undefined) batch[at] = last;
        task?.();
        ran += 1;
        assert.ok(ran < tasksMax, "the cluster comes to rest");
      }
      await Promise.resolve();
    }
  }

  /** Runs one of the tasks that wait, if there is one. */
  async step(): Promise<void> {
    const task = this.tasks.splice(this.prng.between(0, Math.max(1, this.tasks.length)), 1)[0];
    task?.();
    await nextTurn();
  }

  /** Moves time on by ticks; everything that follows from one happens before the next. */
  async tick(ticks = 1): Promise<void> {
    for (let tick = 0; tick < ticks; tick += 1) {
      this.nowMs += this.options.tickMs;
      for (const timer of this.timers) {
        if (timer.dueMs > this.nowMs) continue;
        timer.dueMs = this.nowMs + timer.ms;
        timer.task();
      }
      await this.run();
    }
  }

  /** The shard of a node that holds a group. */
  at(node: NodeId, group: GroupId = 0): RunningShard {
    const found = this.running.get(node)?.[shardOfGroup(group, this.shardsOf(node))];
    assert.ok(found !== undefined, `node ${node} runs`);
    return found;
  }

  client(node: NodeId, group: GroupId = 0): ShardClient {
    return this.at(node, group).client;
  }

  /** With a second to reach the members. */
  beginCreation(node: NodeId, group: GroupId, members: readonly NodeId[] = this.nodes): Call {
    return this.client(node, group).control({
      kind: "createGroup",
      group,
      members,
      timeoutMs: 1_000,
      campaign: true,
    });
  }

  async createGroup(
    node: NodeId,
    group: GroupId,
    members: readonly NodeId[] = this.nodes,
  ): Promise<GroupCreated> {
    const call = this.beginCreation(node, group, members);
    await this.settle([call]);
    // Links that had to be dialled first come up, and the members hear their leader.
    await this.tick(2);
    return call.answer<GroupCreated>();
  }

  /** Lets time pass until the calls are answered. */
  async settle(calls: readonly Call[]): Promise<void> {
    await this.run();
    for (let tick = 0; tick < 100 && calls.some(({ settled }) => !settled); tick += 1) {
      await this.tick();
    }
  }

  async status(node: NodeId, group: GroupId): Promise<GroupStatus> {
    const call = this.client(node, group).control({ kind: "status", group });
    await this.run();
    return call.answer<GroupStatus>();
  }

  async stats(node: NodeId, group: GroupId = 0): Promise<ShardStats> {
    const call = this.client(node, group).control({ kind: "stats" });
    await this.run();
    return call.answer<ShardStats>();
  }

  async digest(node: NodeId, group: GroupId): Promise<string | undefined> {
    const call = this.client(node, group).control({ kind: "digest", group });
    await this.run();
    return call.answer<{ digest: string | undefined }>().digest;
  }

  /** Ticks until one of `nodes` leads the group, and returns it. */
  async awaitLeader(group: GroupId, nodes: readonly NodeId[] = this.nodes): Promise<NodeId> {
    for (let tick = 0; tick < 200; tick += 1) {
      for (const node of nodes) {
        if ((await this.status(node, group)).role === "leader") return node;
      }
      await this.tick();
    }
    throw new Error(`no leader of group ${group} (seed ${this.seed})`);
  }

  /** Separates a node from all others. */
  isolate(node: NodeId): void {
    for (const other of this.nodes) if (other !== node) this.network.cut(node, other);
  }

  async rejoin(node: NodeId): Promise<void> {
    for (const other of this.nodes) if (other !== node) this.network.heal(node, other);
    await this.run();
  }

  /**
   * Ends a node without a word, as a kill would; what its disk holds stays. Its calls have nobody
   * to answer any more.
   */
  async crash(node: NodeId): Promise<void> {
    for (const slot of this.running.get(node) ?? []) {
      slot.alive = false;
      this.clients.splice(this.clients.indexOf(slot.client), 1);
      await slot.transport.close();
    }
    this.running.delete(node);
    await this.run();
  }

  async restart(node: NodeId): Promise<void> {
    await this.boot(node);
    await this.introduce();
  }

  /** Takes a node's disks and its name of the data directory away. */
  loseDisk(node: NodeId): void {
    this.disks.delete(node);
    this.incarnations.delete(node);
  }

  /**
   * Closes every shard and checks the account: each call has had its answer, and no more than one.
   */
  async close(): Promise<void> {
    for (const slot of [...this.running.values()].flat()) {
      if (!slot.ended) slot.client.control({ kind: "close" });
    }
    await this.run();
    const slots = [...this.running.values()].flat();
    for (let tick = 0; tick < 50 && slots.some(({ ended }) => !ended); tick += 1) await this.tick();
    for (const slot of slots) {
      assert.ok(slot.ended, "a shard that is told to close ends");
    }
    const open = this.clients.flatMap((client) => client.unanswered.map(({ what }) => what));
    assert.deepEqual(open, [], `every call is answered (seed ${this.seed})`);
  }
}
