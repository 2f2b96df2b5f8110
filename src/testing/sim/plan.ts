/**
 * Draws a run from a seed: the world's line and everything that is done to it. The plan knows
 * nothing of how the run goes; what does not fit the moment (a crash of what is down) does nothing.
 */
import { Prng } from "../../base/index.ts";
import type { GroupId, NodeId } from "../../base/index.ts";
import type { Script } from "./script.ts";
import { Temper, changeWorld, drawWorld, nodesOf } from "./settings.ts";
import { parseSettings, pick, shardsOf } from "./settings.ts";
import type { Settings, WorldChanges } from "./settings.ts";
import { OperationDrawer } from "./workload.ts";
import type { Workload } from "./workload.ts";

interface Action {
  readonly atUs: number;
  readonly text: string;
}

/** Before this the nodes start and the first groups are created, undisturbed. */
const calmUs = 200_000;
/** How long the disturbed part lasts, in election timeouts. */
const lengths = [15, 40, 40, 100];
const keysOfGroup = 4;

export interface PlanOptions {
  /** Draws what clients ask; without one they use the registers of RegisterMachine. */
  readonly workload?: Workload | undefined;
  /** Settings that are not drawn, for the world's line. */
  readonly fixed?: WorldChanges | undefined;
}

export function planOf(seed: number, { workload, fixed }: PlanOptions = {}): Script {
  const prng = new Prng(seed);
  const drawn = drawWorld(seed, prng);
  // Of commands nothing is known here: neither how large they are nor whether they may throw.
  const own = workload === undefined ? {} : { commandBytesMax: undefined, applyError: undefined };
  const world = changeWorld(drawn, { ...own, ...fixed });
  const plan = new Plan(parseSettings(world), prng, workload);
  return { world, actions: plan.draw(), expected: "ok" };
}

class Plan {
  private readonly settings: Settings;
  private readonly workload: Workload | undefined;
  private readonly prng: Prng;
  private readonly temper: Temper;
  private readonly nodes: readonly NodeId[];
  private readonly groups: Map<GroupId, readonly NodeId[]> = new Map();
  private readonly actions: Action[] = [];
  private readonly electionUs: number;
  private readonly endUs: number;
  /** Nodes that may be damaged for good: with all of them gone a majority is left. */
  private readonly doomed: readonly NodeId[];
  private nextValue = 1;

  constructor(settings: Settings, prng: Prng, workload: Workload | undefined) {
    this.settings = settings;
    this.workload = workload;
    this.prng = prng;
    this.temper = new Temper(prng);
    this.nodes = nodesOf(settings);
    const { tickMs, electionTicks } = settings.options;
    this.electionUs = tickMs * electionTicks * 1_000;
    this.endUs = calmUs + pick(prng, lengths) * this.electionUs;
    const doomedMax = Math.ceil(this.nodes.length / 2) - 1;
    this.doomed = shuffled(prng, this.nodes).slice(0, prng.between(0, doomedMax + 1));
  }

  draw(): string[] {
    for (const node of this.nodes) this.add(0, `boot ${node}`);
    this.drawGroups();
    this.drawCreations();
    this.drawCalls();
    this.drawDuels();
    this.drawExiles();
    this.drawGroupLife();
    this.drawProcesses();
    this.drawNetwork();
    this.drawDisks();
    this.actions.sort((a, b) => a.atUs - b.atUs);
    return this.actions.map(({ atUs, text }) => `at=${atUs} ${text}`);
  }

  private add(atUs: number, text: string): void {
    this.actions.push({ atUs: Math.floor(atUs), text });
  }

  private moment(): number {
    return this.prng.between(calmUs, this.endUs);
  }

  /** Mostly around an election timeout, sometimes much shorter or longer. */
  private duration(): number {
    return Math.floor(this.electionUs * pick(this.prng, [0.05, 0.3, 1, 1, 2, 5, 15]));
  }

  private node(): NodeId {
    return pick(this.prng, this.nodes);
  }

  private twoNodes(): [NodeId, NodeId] | undefined {
    const [a, b] = shuffled(this.prng, this.nodes);
    return a === undefined || b === undefined ? undefined : [a, b];
  }

  private drawGroups(): void {
    const { prng, nodes } = this;
    const count = this.groupCount();
    for (let group = 1; group <= count; group += 1) {
      const size = Math.min(nodes.length, pick(prng, [3, 3, 3, 5, 1, 2, 4, 4]));
      const members = shuffled(prng, nodes).slice(0, Math.max(size, 1));
      this.groups.set(group, members);
      const late = prng.chance(0.1);
      const atUs = late ? this.moment() : prng.between(20_000, calmUs);
      const timeout = pick(prng, [500, 5_000, 20_000]);
      this.add(
        atUs,
        `create ${members[0]} ${group} members=${members.join(",")} timeout=${timeout}`,
      );
      // Tried again, by another member: after a failure under the same id, else refused.
      for (let again = 0; again < (late ? 2 : 1); again += 1) {
        const creator = pick(prng, members);
        const others = this.temper.has() ? shuffled(prng, nodes).slice(0, size) : members;
        const named = others.includes(creator) ? others : members;
        this.add(this.moment(), `create ${creator} ${group} members=${named.join(",")}`);
      }
    }
  }

  /** Creations whose messages get lost, whose members crash, and that are tried again. */
  private drawCreations(): void {
    const { prng, nodes } = this;
    for (let count = this.some(5); count > 0; count -= 1) {
      const group = this.groups.size + 1;
      const size = Math.min(nodes.length, pick(prng, [1, 2, 3, 3, 3]));
      const members = shuffled(prng, nodes).slice(0, size);
      this.groups.set(group, members);
      const [creator = "a", other = creator] = members;
      const atUs = this.moment();
      const names = `members=${members.join(",")}`;
      this.add(atUs, `create ${creator} ${group} ${names} timeout=${pick(prng, [100, 1_000])}`);
      const trouble = pick(prng, [
        `isolate ${creator}`,
        `isolate ${creator} in`,
        `isolate ${other}`,
        `crash ${creator}`,
        `crash ${other} power`,
        `stall-disk ${other}`,
      ]);
      this.add(atUs + prng.between(0, 3_000), `${trouble} for=${this.duration()}`);
      for (let again = prng.between(1, 4); again > 0; again -= 1) {
        const laterUs = atUs + this.duration() + 200_000;
        this.add(laterUs, `create ${pick(prng, members)} ${group} ${names} timeout=1000`);
      }
    }
  }

  /**
   * A leader that is cut off, and whoever takes its place: both are written to and read from for as
   * long as both believe that they lead.
   */
  private drawDuels(): void {
    const { prng } = this;
    for (let count = this.some(5); count > 0; count -= 1) {
      const group = this.busyGroup();
      const atUs = this.moment();
      const forUs = Math.floor(this.electionUs * pick(prng, [1, 2, 2, 4]));
      const way = pick(prng, ["", "", " in", " out"]);
      this.add(atUs, `isolate leader:${group} for=${forUs}${way}`);
      const key = `k${prng.between(0, keysOfGroup)}`;
      for (let call = prng.between(5, 30); call > 0; call -= 1) {
        const member = pick(prng, this.groups.get(group) ?? []);
        const node = prng.chance(0.7) ? `leader:${group}` : member;
        const when = prng.between(atUs, atUs + forUs + this.electionUs);
        if (prng.chance(0.4)) this.add(when, `put ${node} ${group} ${key} ${this.take(1)} forward`);
        else this.add(when, `get ${node} ${group} ${key} forward`);
      }
      if (prng.chance(0.3)) {
        const power = prng.chance(0.5) ? " power" : "";
        this.add(atUs + forUs, `crash leader:${group}${power} for=${this.duration()}`);
      }
    }
  }

  /** A member that raises its term where nobody hears it, and comes back with it. */
  private drawExiles(): void {
    for (let count = this.some(3); count > 0; count -= 1) {
      const group = this.busyGroup();
      const node = pick(this.prng, this.groups.get(group) ?? this.nodes);
      const atUs = this.moment();
      const forUs = this.electionUs;
      this.add(atUs, `isolate ${node} for=${forUs}`);
      this.add(atUs + forUs / 2, `campaign ${node} ${group} force`);
    }
  }

  /** Mostly few, so that they meet often; now and then as many as an engine hosts. */
  private groupCount(): number {
    const { prng } = this;
    if (prng.chance(0.001)) return 5_000;
    if (prng.chance(0.01)) return pick(prng, [200, 1_000]);
    return pick(prng, [1, 1, 1, 2, 3, 5, 8, 8, 20]);
  }

  /** Some groups get nearly all calls. */
  private busyGroup(): GroupId {
    const { prng, groups } = this;
    const skew = prng.chance(0.7) ? Math.ceil(groups.size / 4) : groups.size;
    return prng.between(1, skew + 1);
  }

  private drawCalls(): void {
    const { prng } = this;
    const count = pick(prng, [20, 100, 200, 400]);
    const bursts = this.temper.rate([0.01, 0.05]);
    const batches = this.temper.rate([0.05, 0.3]);
    const pads = this.temper.rate([0.05, 0.3]);
    const poison = this.settings.options.applyError === "result" ? this.temper.rate([0.01]) : 0;
    const { workload, settings } = this;
    const drawer =
      workload && new OperationDrawer(workload, prng, settings.options.commandBytesMax);
    for (let call = 0; call < count; call += 1) {
      const group = this.busyGroup();
      const node = prng.chance(0.97) ? pick(prng, this.groups.get(group) ?? []) : this.node();
      const key = `k${prng.between(0, keysOfGroup)}`;
      const head = `${node} ${group} ${key}`;
      const forward = prng.chance(0.8) ? " forward" : "";
      const timeout = prng.chance(0.2) ? ` timeout=${pick(prng, [1, 30, 300, 10_000])}` : "";
      const tail = `${forward}${timeout}`;
      const pad = prng.chance(pads)
        ? ` pad=${pick(prng, [20, 500, 500, 20_000, prng.chance(0.1) ? 2_000_000 : 100_000])}`
        : "";
      const atUs = prng.between(calmUs / 2, this.endUs);
      if (drawer !== undefined) {
        const times = prng.chance(bursts) ? prng.between(2, 60) : 1;
        for (let time = 0; time < times; time += 1) {
          this.add(atUs, `${drawer.draw(`${node} ${group}`)}${tail}`);
        }
      } else if (prng.chance(poison)) this.add(atUs, `poison ${node} ${group}`);
      else if (prng.chance(bursts)) {
        const size = prng.between(2, 60);
        this.add(atUs, `burst ${head} ${this.take(size)} count=${size}${pad}${tail}`);
      } else if (prng.chance(batches)) {
        const size = prng.between(2, 12);
        this.add(atUs, `batch ${head} ${this.take(size)} count=${size}${pad}${tail}`);
      } else if (prng.chance(0.35)) this.add(atUs, `get ${head}${tail}`);
      else if (prng.chance(0.1)) this.add(atUs, `local ${head}`);
      else if (prng.chance(0.15)) {
        const expected = prng.between(Math.max(0, this.nextValue - 20), this.nextValue);
        this.add(atUs, `cas ${head} ${expected} ${this.take(1)}${tail}`);
      } else this.add(atUs, `put ${head} ${this.take(1)}${pad}${tail}`);
    }
  }

  /** Values that nobody else writes: the first of `count`. */
  private take(count: number): number {
    const first = this.nextValue;
    this.nextValue += count;
    return first;
  }

  private some(most: number): number {
    return this.temper.has() ? this.prng.between(1, most + 1) : 0;
  }

  private drawGroupLife(): void {
    const { prng } = this;
    for (let count = this.some(4); count > 0; count -= 1) {
      const group = this.busyGroup();
      const node = pick(prng, this.groups.get(group) ?? []);
      const atUs = this.moment();
      this.add(atUs, `stop ${node} ${group}`);
      this.add(atUs + this.duration(), `start ${node} ${group}`);
    }
    for (let count = this.some(6); count > 0; count -= 1) {
      const force = prng.chance(0.5) ? " force" : "";
      this.add(this.moment(), `campaign ${this.node()} ${this.busyGroup()}${force}`);
    }
    for (let count = this.some(6); count > 0; count -= 1) {
      this.add(this.moment(), `resign ${this.node()} ${this.busyGroup()}`);
    }
  }

  private drawProcesses(): void {
    const { prng } = this;
    const powered = this.temper.has();
    for (let count = this.some(8); count > 0; count -= 1) {
      const power = powered && prng.chance(0.5) ? " power" : "";
      const atUs = this.moment();
      const writing = prng.chance(0.5) ? " writing" : "";
      if (prng.chance(0.4)) {
        const leader = `leader:${this.busyGroup()}`;
        this.add(atUs, `crash ${leader}${power}${writing} for=${this.duration()}`);
        continue;
      }
      const node = this.node();
      this.add(atUs, `crash ${node}${power}${writing}`);
      const bootUs = atUs + this.duration();
      this.add(bootUs, `boot ${node}`);
      // Sometimes while it opens.
      if (prng.chance(0.2)) {
        const againUs = bootUs + prng.between(1, 3_000);
        this.add(againUs, `crash ${node}${power}`);
        this.add(againUs + this.duration(), `boot ${node}`);
      }
    }
    for (let count = this.some(2); count > 0; count -= 1) {
      const power = powered && prng.chance(0.5) ? " power" : "";
      this.add(this.moment(), `crash-all${power} for=${this.duration()}`);
    }
    for (let count = this.some(3); count > 0; count -= 1) {
      const node = this.node();
      const shards = shardsOf(this.settings, this.nodes.indexOf(node));
      this.add(this.moment(), `crash-shard ${node} ${prng.between(0, shards)}`);
      this.add(
        this.moment(),
        `stall-shard ${node} ${prng.between(0, shards)} for=${this.duration()}`,
      );
    }
    for (let count = this.some(4); count > 0; count -= 1) {
      this.add(this.moment(), `pause ${this.node()} for=${this.duration()}`);
    }
    for (let count = this.some(4); count > 0; count -= 1) {
      const step = prng.between(-10_000_000, 10_000_000);
      this.add(this.moment(), `clock ${this.node()} step=${step}`);
    }
  }

  private drawNetwork(): void {
    const { prng } = this;
    const between = (count: number, text: (a: NodeId, b: NodeId) => string): void => {
      for (let left = count; left > 0; left -= 1) {
        const two = this.twoNodes();
        if (two !== undefined) this.add(this.moment(), text(...two));
      }
    };
    between(this.some(6), (a, b) => `cut ${a} ${b} for=${this.duration()}`);
    between(this.some(6), (a, b) => `reset ${a} ${b}`);
    between(this.some(6), (a, b) => `block ${a} ${b} for=${this.duration()}`);
    between(this.some(4), (a, b) => {
      return `clog ${a} ${b} ${pick(prng, ["control", "data"])} for=${this.duration()}`;
    });
    for (let count = this.some(5); count > 0; count -= 1) this.drawPartition(this.moment());
    if (this.temper.has()) {
      // Flapping: on and off, faster than an election takes.
      const two = this.twoNodes();
      const fromUs = this.moment();
      for (let turn = 0; two !== undefined && turn < 10; turn += 1) {
        const forUs = Math.floor(this.electionUs / 3);
        this.add(fromUs + turn * 2 * forUs, `cut ${two[0]} ${two[1]} for=${forUs}`);
      }
    }
  }

  private drawPartition(atUs: number): void {
    const { prng } = this;
    const mixed = shuffled(prng, this.nodes);
    if (mixed.length < 2) return;
    const split = prng.between(1, mixed.length);
    const left = mixed.slice(0, split);
    const right = mixed.slice(split);
    const bridge = prng.chance(0.3) ? left.slice(0, 1) : [];
    const sides = [left.join(""), [...right, ...bridge].join("")];
    this.add(atUs, `partition sides=${sides.join(",")} for=${this.duration()}`);
  }

  private drawDisks(): void {
    const { prng, doomed } = this;
    for (let count = this.some(3); count > 0; count -= 1) {
      const forever = prng.chance(0.2) ? "forever" : String(this.duration());
      this.add(this.moment(), `stall-disk ${this.node()} for=${forever}`);
    }
    for (let count = this.some(2); count > 0; count -= 1) {
      this.add(this.moment(), `fill-disk ${this.node()} for=${this.duration()}`);
    }
    for (let count = this.some(2); count > 0; count -= 1) {
      const node = this.node();
      const atUs = this.moment();
      this.add(atUs, `save-image ${node}`);
      const backUs = atUs + this.duration();
      this.add(backUs, `restore-image ${node}`);
      this.add(backUs + this.duration(), `boot ${node}`);
    }
    for (const node of doomed) {
      const damage = pick(prng, ["rot", "tear", "lose-disk"]);
      for (let count = this.some(2); count > 0; count -= 1) {
        const atUs = this.moment();
        this.add(atUs, `${damage} ${node}`);
        this.add(atUs + 1, `crash ${node}`);
        this.add(atUs + this.duration(), `boot ${node}`);
      }
    }
  }
}

function shuffled<T>(prng: Prng, values: readonly T[]): T[] {
  const mixed = [...values];
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    const other = prng.between(0, at + 1);
    const one = mixed[at];
    const two = mixed[other];
    if (one === undefined || two === undefined) continue;
    mixed[at] = two;
    mixed[other] = one;
  }
  return mixed;
}
