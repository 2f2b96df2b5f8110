/**
 * The simulated world: nodes with their disks, the network between them, time, and the checks that
 * watch it. What is done to it comes from verbs.ts; nothing here happens by itself but what the
 * shards, the network and the disks have in flight.
 */
import { Prng, shardOfGroup } from "../../base/index.ts";
import type { GroupId, NodeId, ShardId } from "../../base/index.ts";
import { majorityOf } from "../../raft/index.ts";
import type { CreateStateMachine, ShardOptions } from "../../shard/index.ts";
import { MemoryNetwork } from "../../transport/index.ts";
import { Agenda, eventKind } from "./agenda.ts";
import type { ShardMessage } from "../../wire/index.ts";
import type { Check, LiveReplica, SentMessage, Stage } from "./check.ts";
import type { DiskHost } from "./disk.ts";
import { History } from "./history.ts";
import { nodesOf, shardsOf } from "./settings.ts";
import type { Settings } from "./settings.ts";
import type { ShadowReplica } from "./shadow.ts";
import { SimulatedNode } from "./simulated-node.ts";
import type { SimulatedShard } from "./simulated-shard.ts";
import { Tally } from "./tally.ts";
import { Trace } from "./trace.ts";
import { WatchedMachine } from "./watched-machine.ts";
import { SimulatedWire } from "./wire.ts";

export interface WorldParts {
  readonly settings: Settings;
  readonly createStateMachine: CreateStateMachine;
  readonly createChecks: (stage: Stage) => Check;
  /** A turn of the real event loop. */
  readonly turn: () => Promise<void>;
  readonly trace?: ((line: string) => void) | undefined;
}

export class World implements Stage {
  readonly settings: Settings;
  readonly agenda: Agenda;
  readonly trace: Trace | undefined;
  readonly prng: Prng;
  readonly tally: Tally = new Tally();
  readonly wire: SimulatedWire;
  readonly network: MemoryNetwork;
  readonly nodes: readonly NodeId[];
  readonly byId: ReadonlyMap<NodeId, SimulatedNode>;
  /** Nodes that are in nobody's address book but their own. */
  readonly forgotten: Set<NodeId> = new Set();
  readonly history: History;
  readonly checks: Check;
  /** Groups that a creation was asked for, with their members. */
  readonly members: Map<GroupId, readonly NodeId[]> = new Map();
  /** Replicas that say of themselves that they cannot be trusted, by "node group". */
  readonly disabled: Map<string, string> = new Map();
  /** Chance that a machine cannot be made now. */
  machineErrorRate: number;
  machineUs: number;
  private readonly machineErrors: Prng;
  private readonly createMachine: CreateStateMachine;
  private readonly machines: Map<string, number> = new Map();

  constructor({ settings, createStateMachine, createChecks, turn, trace }: WorldParts) {
    this.settings = settings;
    this.createMachine = createStateMachine;
    this.agenda = new Agenda(turn);
    this.trace = trace && new Trace(this.agenda, trace);
    this.prng = new Prng(settings.seed);
    this.machineErrorRate = settings.machineErrorRate;
    this.machineUs = settings.machineUs;
    // A stream that takes nothing from the others: runs without this fault stay what they were.
    this.machineErrors = new Prng(settings.seed ^ 0x6d61_6368);
    this.wire = new SimulatedWire(this, this.fork(), settings);
    this.network = new MemoryNetwork((task, at) => {
      const actor = at && this.actorOf(at.identity.node, at.identity.shard);
      this.agenda.at(this.agenda.nowUs + 1, eventKind.network, task, actor);
    }, this.wire);
    this.wire.network = this.network;
    this.history = new History(this.agenda);
    this.nodes = nodesOf(settings);
    this.checks = createChecks(this);
    const nodes = this.nodes.map(
      (id, at) => new SimulatedNode(this, at, { id, shards: shardsOf(settings, at) }),
    );
    this.byId = new Map(nodes.map((node) => [node.id, node]));
  }

  /** The address book that a node is given. */
  addressesFor(id: NodeId): Readonly<Record<NodeId, string>> {
    const known = [...this.byId.values()].filter((node) => {
      return node.id === id || !this.forgotten.has(node.id);
    });
    return Object.fromEntries(known.map((node) => [node.id, node.address]));
  }

  /** Gives every node that runs its address book, as discovery would. */
  tellAddresses(): void {
    for (const node of this.byId.values()) node.tellAddresses();
  }

  /** A stream of chance of its own. */
  fork(): Prng {
    return new Prng(this.prng.uint32());
  }

  node(id: NodeId): SimulatedNode | undefined {
    return this.byId.get(id);
  }

  actorOf(node: NodeId, shard: number): SimulatedShard | undefined {
    return this.byId.get(node)?.slots[shard];
  }

  shadow(node: NodeId, group: GroupId): ShadowReplica | undefined {
    return this.byId.get(node)?.shadowOf(group);
  }

  shadowsOf(group: GroupId): readonly ShadowReplica[] {
    const found: ShadowReplica[] = [];
    for (const node of this.byId.values()) {
      const replica = node.shadowOf(group);
      if (replica !== undefined) found.push(replica);
    }
    return found;
  }

  groups(): Iterable<GroupId> {
    return this.members.keys();
  }

  live(node: NodeId, group: GroupId): LiveReplica | undefined {
    const slot = this.byId.get(node)?.slotOf(group);
    return slot?.isOpen === true ? slot.shard.replicas.get(group) : undefined;
  }

  stalledUs(node: NodeId, shardId: ShardId): number {
    if (this.settings.durability === "none") return 0;
    const { volumes, slots } = this.byId.get(node) ?? {};
    const sinceUs = volumes?.[shardId]?.shadow.waitingSinceUs();
    if (sinceUs === undefined) return 0;
    return this.agenda.nowUs - Math.max(sinceUs, slots?.[shardId]?.letGoUs ?? 0);
  }

  shardOf(node: NodeId, group: GroupId): ShardId {
    return shardOfGroup(group, this.byId.get(node)?.shards ?? 1);
  }

  get options(): ShardOptions {
    return this.settings.options;
  }

  diskHost(slot: SimulatedShard): DiskHost {
    const { agenda } = this;
    return {
      prng: this.fork(),
      after: (delayUs, task) => agenda.settleAt(agenda.nowUs + delayUs, eventKind.disk, task, slot),
      block: (delayUs) => slot.hold(agenda.nowUs + delayUs),
      unblock: () => slot.unblock(),
    };
  }

  /** Makes a replica's machine, watched. */
  readonly createStateMachine: CreateStateMachine = (context) => {
    const { node, group } = context;
    if (this.machineErrors.chance(this.machineErrorRate)) {
      this.tally.fault("machine cannot be created");
      throw new Error("EMFILE: too many open files");
    }
    this.checks.onMachine?.(node, group);
    this.machines.set(`${node} ${group}`, this.livesOf(node, group) + 1);
    return new WatchedMachine(this, node, group, this.createMachine(context));
  };

  /** How many machines a node has made for a group. */
  livesOf(node: NodeId, group: GroupId): number {
    return this.machines.get(`${node} ${group}`) ?? 0;
  }

  onSend(sent: SentMessage): void {
    const { message } = sent;
    this.tally.count("messages");
    if (message.kind === "parkResponse" && message.parked) this.tally.count("followers parked");
    this.trace?.sent(sent);
    this.checks.onSend?.(sent);
  }

  onShardMessage(_from: NodeId, _to: NodeId, { kind }: ShardMessage): void {
    if (kind === "shardAlive") this.tally.count("signs of life");
    else
      this.tally.count(kind === "shardClosing" ? "shards that close" : "requests between shards");
  }

  onTurn({ node, shardId, shard, isOpen }: SimulatedShard): void {
    if (isOpen) this.checks.onTurn?.({ node, shardId, shard });
  }

  onDisabled(node: NodeId, group: GroupId, reason: string): void {
    this.tally.count(`replica disabled: ${reason.replaceAll(/\d+/g, "N")}`);
    this.trace?.life(node, `disabled in g${group}: ${reason}`);
    this.disabled.set(`${node} ${group}`, reason);
  }

  onFailed(node: NodeId, group: GroupId, reason: string): void {
    this.tally.count(`replica failed: ${reason.replaceAll(/\d+/g, "N")}`);
    this.trace?.life(node, `failed in g${group}: ${reason}`);
  }

  /**
   * Whether a node could go back to older disks without anything being lost that a quorum was
   * promised: everything that it may have acknowledged since is on enough other disks, nobody asks
   * for votes in its present term, and everybody has come that far. Raft promises nothing where a
   * disk forgets more.
   */
  isSpare(id: NodeId, images: readonly ReadonlyMap<GroupId, ShadowReplica>[]): boolean {
    for (const volume of this.byId.get(id)?.volumes ?? []) {
      for (const replica of volume.shadow.written.values()) {
        const image = images.map((one) => one.get(replica.group)).find((one) => one !== undefined);
        if (!this.isSpareReplica(id, replica, image)) return false;
      }
    }
    return true;
  }

  private isSpareReplica(
    id: NodeId,
    replica: ShadowReplica,
    image: ShadowReplica | undefined,
  ): boolean {
    const { group, members, written } = replica;
    const others = this.shadowsOf(group).filter(({ node }) => node !== id);
    if (others.some(({ durable }) => durable.term < written.term)) return false;
    for (const { node } of others) {
      const raft = this.byId.get(node)?.slotOf(group)?.shard.replicas.get(group)?.raft;
      if (raft?.state.role === "candidate") return false;
    }
    if (image !== undefined && image.incarnation !== replica.incarnation) return false;
    for (let index = 1; index <= written.lastIndex; index += 1) {
      const term = written.termAt(index);
      if (image?.durable.termAt(index) === term) continue;
      const holders = others.filter(({ durable }) => durable.termAt(index) === term);
      if (holders.length < majorityOf(members.length)) return false;
    }
    return true;
  }
}
