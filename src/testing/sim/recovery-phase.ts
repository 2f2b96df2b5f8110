/**
 * The end of a run: a random majority of the nodes is healed for good and the others stay as broken
 * as they are. Within a bound every group that has a majority of usable members there must have a
 * leader, take a write and a linearizable read, and every call must have been answered. Then all
 * its replicas there must catch up and agree.
 */
import type { GroupId } from "../../base/index.ts";
import { describeRaft, majorityOf } from "../../raft/index.ts";
import { sameNodes } from "../../shard/index.ts";
import type { Replica } from "../../shard/index.ts";
import { Ending } from "./ending.ts";
import type { RunningReplica } from "./ending.ts";
import { HandoverTrial } from "./handover-trial.ts";
import type { Recorded } from "./history.ts";
import type { Probes } from "./probes.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import { perform } from "./verbs/index.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** How long the healed nodes may take to start, and their groups to serve, in election timeouts. */
const timeoutsMax = 200;
/** Beyond that, for disks and supervisors. */
const graceUs = 30_000_000;
/** The longest deadline of any call, and of creations. */
const settleUsMax = 45_000_000;
const stepUs = 1_000_000;

interface Trial {
  readonly operations: readonly Recorded[];
}

export class RecoveryPhase {
  readonly healed: readonly SimulatedNode[];
  private readonly world: World;
  private readonly probes: Probes;
  private readonly electionUs: number;

  constructor(world: World, probes: Probes) {
    this.world = world;
    this.probes = probes;
    const { tickMs, electionTicks } = world.settings.options;
    this.electionUs = tickMs * electionTicks * 1_000;
    this.healed = this.choose();
  }

  async run(): Promise<void> {
    this.heal();
    await this.awaitNodes();
    await this.awaitQuiet(() => this.findUnled());
    this.startGroups();
    await this.awaitGroups();
    await this.awaitMembers();
    await this.awaitCalls();
    await new Ending(this.world, this.replicas()).run(this.electionUs);
    if (this.mustPark()) await this.awaitQuiet(() => this.findAwake());
    await new HandoverTrial(this.world, this.healed, this.electionUs).run();
  }

  private replicas(): RunningReplica[] {
    const found: RunningReplica[] = [];
    for (const group of this.world.groups()) {
      for (const { id } of this.quorumOf(group)) found.push({ node: id, group });
    }
    return found;
  }

  private choose(): SimulatedNode[] {
    const { world } = this;
    const usable = [...world.byId.values()].filter(({ broken }) => !broken);
    const least = Math.min(majorityOf(world.nodes.length), usable.length);
    const count = world.prng.between(least, usable.length + 1);
    while (usable.length > count) usable.splice(world.prng.between(0, usable.length), 1);
    return usable;
  }

  private heal(): void {
    const { world, healed, electionUs } = this;
    const { wire, network, nodes } = world;
    wire.clear();
    world.machineErrorRate = 0;
    world.machineUs = 0;
    world.forgotten.clear();
    world.tellAddresses();
    const calmUs = Math.floor(electionUs / 40);
    const delayUs = Math.min(world.settings.delayUs, calmUs);
    const none = { tailRate: 0, tailUs: 0, lossRate: 0, repeatRate: 0, flipRate: 0, breakRate: 0 };
    wire.temper = { delayUs, ...none };
    const names = new Set(healed.map(({ id }) => id));
    for (const a of nodes) {
      for (const b of nodes) {
        if (a === b) continue;
        network.heal(a, b);
        if (!names.has(a) || !names.has(b)) wire.sever(a, b);
        else if (world.prng.chance(0.5)) network.reset(a, b);
      }
    }
    for (const node of healed) {
      for (const slot of node.slots) {
        slot.unblock();
        slot.unstallEngine();
      }
      node.healDisks(Math.min(world.settings.commitUs, calmUs));
    }
  }

  private async awaitNodes(): Promise<void> {
    const { world, healed } = this;
    const untilUs = world.agenda.nowUs + timeoutsMax * this.electionUs + graceUs;
    for (;;) {
      // One that fell down by itself comes back by itself; one that was taken down is started.
      for (const node of healed) {
        if (node.up) continue;
        node.boot();
        await world.agenda.drain();
      }
      // A disk may be found damaged only now.
      if (healed.every((node) => node.serves || node.broken)) return;
      if (world.agenda.nowUs > untilUs) {
        const late = healed.filter((node) => !node.serves).map(({ id }) => id);
        throw new Violation("liveness", `healed nodes do not serve: ${late.join(", ")}`);
      }
      await world.agenda.run(world.agenda.nowUs + Math.min(this.electionUs, stepUs));
    }
  }

  private startGroups(): void {
    for (const node of this.healed) {
      for (const group of this.world.groups()) {
        const replica = this.replicaOn(node, group);
        if (replica?.descriptor.state === "stopped")
          perform(this.world, `start ${node.id} ${group}`);
      }
    }
  }

  private replicaOn(node: SimulatedNode, group: GroupId): Replica | undefined {
    if (!node.serves) return undefined;
    return node.slotOf(group)?.shard.replicas.get(group);
  }

  /** Nobody calls, and no stopped replica is started: time alone must bring it about. */
  private async awaitQuiet(findLate: () => string | undefined): Promise<void> {
    const { agenda } = this.world;
    const untilUs = agenda.nowUs + timeoutsMax * this.electionUs + graceUs;
    for (;;) {
      const late = findLate();
      if (late === undefined) return;
      if (agenda.nowUs > untilUs) throw new Violation("liveness", late);
      await agenda.run(agenda.nowUs + Math.min(this.electionUs, stepUs));
    }
  }

  /** A group that a majority runs, but without a leader, or with a member that is behind it. */
  private findUnled(): string | undefined {
    for (const group of this.world.groups()) {
      const nodes = this.quorumOf(group, ({ running }) => running);
      const leader = this.leaderOf(group, nodes);
      if (nodes.length > 0 && leader === undefined) {
        return `group ${group} has no leader:\n${this.describe(group, nodes)}`;
      }
      const late = nodes.find((node) => !isAbreast(this.replicaOn(node, group), leader));
      if (late === undefined) continue;
      return `${late.id} is behind in idle group ${group}:\n${this.describe(group, nodes)}`;
    }
    return undefined;
  }

  /** Whether groups may park, and signs of life are in time however far the clocks run apart. */
  private mustPark(): boolean {
    const { options, driftPpm } = this.world.settings;
    const drift = driftPpm / 1_000_000;
    const slowest = (options.heartbeatTicks + 1) / (1 - drift);
    return options.parkTicks > 0 && slowest < options.electionTicks / (1 + drift);
  }

  /** A group that has nothing to do, and does not park. */
  private findAwake(): string | undefined {
    for (const group of this.world.groups()) {
      const nodes = this.quorumOf(group, ({ running }) => running);
      const leader = this.leaderOf(group, nodes);
      if (nodes.length === 0 || leader?.raft.parked === true) continue;
      return `idle group ${group} does not park:\n${this.describe(group, nodes)}`;
    }
    return undefined;
  }

  private leaderOf(group: GroupId, nodes: readonly SimulatedNode[]): Replica | undefined {
    let leader: Replica | undefined;
    for (const node of nodes) {
      const replica = this.replicaOn(node, group);
      if (replica?.raft.isLeader !== true) continue;
      if (leader === undefined || replica.raft.term > leader.raft.term) leader = replica;
    }
    return leader;
  }

  /** Members of a group's present life that can take part, where they are a majority of it. */
  private quorumOf(group: GroupId, canTakePart = isEnabled): SimulatedNode[] {
    const lives = new Map<number, SimulatedNode[]>();
    for (const node of this.healed) {
      const replica = this.replicaOn(node, group);
      if (replica === undefined || !canTakePart(replica)) continue;
      const life = replica.descriptor.members[0]?.incarnation ?? 0;
      const nodes = lives.get(life) ?? [];
      lives.set(life, [...nodes, node]);
    }
    for (const nodes of lives.values()) {
      const first = nodes[0];
      const replica = first && this.replicaOn(first, group);
      const size = replica?.descriptor.members.length ?? 0;
      if (size > 0 && nodes.length >= majorityOf(size)) return nodes;
    }
    return [];
  }

  private async awaitGroups(): Promise<void> {
    const { world } = this;
    const untilUs = world.agenda.nowUs + timeoutsMax * this.electionUs + graceUs;
    let waiting = [...world.groups()];
    let trials = new Map<GroupId, Trial>();
    for (;;) {
      waiting = waiting.filter((group) => !isServed(trials.get(group)) && this.mustServe(group));
      if (waiting.length === 0) return;
      if (world.agenda.nowUs > untilUs) throw this.stuck(waiting[0] ?? 0);
      trials = new Map();
      for (const group of waiting) trials.set(group, this.tryGroup(group));
      await world.agenda.run(world.agenda.nowUs + 4 * this.electionUs);
    }
  }

  /** A member that is there and was not reached before joins by itself. */
  private async awaitMembers(): Promise<void> {
    const { world } = this;
    const untilUs = world.agenda.nowUs + timeoutsMax * this.electionUs + graceUs;
    for (;;) {
      const missing = this.findMissing();
      if (missing === undefined) return;
      if (world.agenda.nowUs > untilUs) throw new Violation("liveness", missing);
      await world.agenda.run(world.agenda.nowUs + Math.min(this.electionUs, stepUs));
    }
  }

  private findMissing(): string | undefined {
    const served = new Set(this.healed.filter(({ serves }) => serves).map(({ id }) => id));
    for (const group of this.world.groups()) {
      const nodes = this.quorumOf(group);
      const lists = nodes.map((node) => this.replicaOn(node, group)?.descriptor.members ?? []);
      const creator = lists[0]?.[0]?.node;
      const asks = nodes.some(({ id }) => id === creator);
      const memberNodes = lists[0]?.map(({ node }) => node) ?? [];
      for (const { node: id, incarnation } of lists[0] ?? []) {
        const node = this.world.node(id);
        if (node === undefined || !served.has(id) || node.isBounded) continue;
        // What joins on another disk than the first that was asked may have forgotten a promise,
        // and who was never asked is known to the creator alone.
        const asked = lists.flat().find((one) => one.node === id && one.directory !== undefined);
        const may = asked === undefined ? asks : asked.directory === node.directory;
        const replica = this.replicaOn(node, group);
        // A creation with other nodes is another group, and stays until an operator removes it.
        if (replica !== undefined && !sameNodes(replica.descriptor.members, memberNodes)) continue;
        const has = replica?.incarnation === incarnation;
        // So does one in which something was committed before another member lost its disk.
        if (!has && replica !== undefined && replica.raft.state.log.committed > 0) continue;
        if (may && !has) return `${id} never joins group ${group}, which ${creator ?? ""} began`;
      }
    }
    return undefined;
  }

  private mustServe(group: GroupId): boolean {
    return this.quorumOf(group).length > 0;
  }

  private tryGroup(group: GroupId): Trial {
    const { world } = this;
    const nodes = this.quorumOf(group);
    const node = nodes[world.prng.between(0, nodes.length)]?.id ?? "";
    const before = world.history.operations.length;
    const timeout = Math.max(100, Math.floor((3 * this.electionUs) / 1_000));
    for (const line of this.probes.next(`${node} ${group}`)) {
      perform(world, `${line} forward timeout=${timeout}`);
    }
    return { operations: world.history.operations.slice(before) };
  }

  private stuck(group: GroupId): Violation {
    const nodes = this.quorumOf(group);
    const names = nodes.map(({ id }) => id).join(", ");
    return new Violation(
      "liveness",
      `group ${group} does not serve though ${names} are healed:\n${this.describe(group, nodes)}`,
    );
  }

  private describe(group: GroupId, nodes: readonly SimulatedNode[]): string {
    const lines = nodes.map((node) => {
      const replica = this.replicaOn(node, group);
      if (replica === undefined) return "";
      const parked = replica.raft.parked ? ", parked" : "";
      return `${node.id}: ${describeRaft(replica.raft)}${parked}`;
    });
    return lines.join("\n");
  }

  private async awaitCalls(): Promise<void> {
    const { world } = this;
    const untilUs = world.agenda.nowUs + settleUsMax;
    for (;;) {
      const open = this.healed
        .filter((node) => node.serves)
        .flatMap(({ id, slots }) =>
          slots.flatMap(({ client }) => client.unanswered.map((what) => `${id}: ${what}`)),
        );
      if (open.length === 0) return;
      if (world.agenda.nowUs > untilUs) {
        throw new Violation("calls-answered", `never answered: ${open.slice(0, 5).join("; ")}`);
      }
      await world.agenda.run(world.agenda.nowUs + stepUs);
    }
  }
}

function isEnabled({ descriptor }: Replica): boolean {
  return descriptor.state !== "disabled";
}

/** Whether a replica follows a leader and has applied all that the leader has. */
function isAbreast(replica: Replica | undefined, leader: Replica | undefined): boolean {
  if (replica === undefined || leader === undefined) return true;
  const { log } = leader.raft.state;
  return replica.raft.term === leader.raft.term && replica.raft.state.log.applied === log.lastIndex;
}

function isServed(trial: Trial | undefined): boolean {
  if (trial === undefined || trial.operations.length === 0) return false;
  return trial.operations.every(({ outcome, code }) => {
    // What the machine throws is an answer, too.
    return outcome === "ok" || code === "ERR_APPLY_FAILED" || code === "ERR_QUERY_FAILED";
  });
}
