/**
 * A group under a random scheduler: messages are delayed, lost, copied and reordered, replicas crash with part of what they
 * wrote, disks lag by up to three Readys, clocks run at random. A seed repeats a run step by step.
 */
import assert from "node:assert/strict";
import { Prng } from "../../src/base/index.ts";
import type { Index, NodeKey, Term } from "../../src/base/index.ts";
import type { Configuration, RaftOptions } from "../../src/raft/index.ts";
import { SimulatedGroup, defaultOptions } from "../datadriven/simulated-group.ts";
import type { SimulatedReplica } from "../datadriven/simulated-replica.ts";

const pendingMax = 3;
const networkMax = 60;

interface AskedRead {
  /** What any replica knew to be committed when the read was asked for. */
  readonly floor: Index;
  readonly replica: NodeKey;
  readonly term: Term;
}

export interface RunCounts {
  committed: number;
  reads: number;
  crashes: number;
  terms: number;
}

export class RandomGroup {
  private readonly random: Prng;
  private readonly group: SimulatedGroup;
  private readonly reads: Map<number, AskedRead> = new Map();
  private readonly counts: RunCounts = { committed: 0, reads: 0, crashes: 0, terms: 0 };
  private readonly lossRatio: number;
  /** In a thousand steps. */
  private readonly troubles: number;
  private proposals = 0;
  private tickets = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
    const { random } = this;
    this.lossRatio = random.chance(0.5) ? 0.01 : 0.1;
    this.troubles = random.chance(0.4) ? 5 : random.chance(0.5) ? 25 : 60;
    this.group = new SimulatedGroup({
      configuration: drawConfiguration(random),
      options: drawOptions(random),
      random: (_, lo, hi) => random.between(lo, hi),
    });
  }

  /** Everything may go wrong, nothing may be unsafe. */
  runSafety(steps: number): RunCounts {
    for (let step = 0; step < steps; step += 1) {
      this.step();
      this.checkReads();
      if (step % 16 === 0) this.group.checker.checkLogMatching(this.group.running);
    }
    this.counts.committed = this.group.checker.committed.length;
    this.counts.terms = Math.max(...this.group.running.map(({ live }) => live.term), 0);
    return this.counts;
  }

  /** Nothing goes wrong any more: within a bounded number of ticks a leader commits a proposal that reaches everybody. */
  runLiveness(ticksMax: number): void {
    const { group } = this;
    group.heal();
    for (const replica of group.replicas.values()) if (replica.raft === undefined) replica.start();
    const text = "the last proposal";
    let proposedIn: Term = -1;
    for (let ticks = 0; ticks < ticksMax; ticks += 1) {
      this.settle();
      const { leader } = group;
      if (leader !== undefined && leader.live.term > proposedIn) {
        if (typeof leader.propose([text]) === "number") proposedIn = leader.live.term;
        this.settle();
      }
      if (this.reached(text)) {
        group.checker.checkLogMatching(group.running);
        return;
      }
      for (const { id } of group.running) group.tick(id);
    }
    const states = group.running.map(({ live }) => `${live.state.role} in ${live.term}`);
    assert.fail(`nothing was committed within ${ticksMax} ticks of peace: ${states.join(", ")}`);
  }

  private settle(): void {
    this.group.stabilize();
    this.checkReads();
  }

  private reached(text: string): boolean {
    return this.group.running.every(({ applied }) => applied.some((entry) => entry.text === text));
  }

  private step(): void {
    const { group, random } = this;
    const dice = random.between(0, 1000);
    if (dice < this.troubles) this.trouble();
    else if (dice < 500) this.moveMessage();
    else {
      const replica = group.running[random.between(0, group.running.length)];
      if (replica !== undefined) this.stepReplica(replica, dice);
    }
  }

  /** What a group must expect, however seldom. */
  private trouble(): void {
    const { group, random } = this;
    const replica = group.running[random.between(0, group.running.length)];
    const dice = random.between(0, 10);
    if (dice < 4) this.crashOrRestart();
    else if (dice < 6) this.changePartition();
    else if (replica === undefined) return;
    else if (dice === 6) replica.live.suspectLeader(replica.live.leader);
    else if (dice === 7) replica.live.reportUnreachable(this.anyId());
    else if (dice === 8) replica.live.campaign(random.chance(0.5));
    else replica.live.resign();
    group.check();
  }

  /** One turn of a replica's shard, or a part of it. */
  private stepReplica(replica: SimulatedReplica, dice: number): void {
    const { group, random } = this;
    const { id } = replica;
    if (dice < 680) {
      const isOpen = random.chance(0.8);
      if (replica.pending.length < pendingMax) group.takeReady(id, () => isOpen);
    } else if (dice < 860) group.persist(id);
    else if (dice < 890) group.tick(id);
    else if (dice < 940) this.propose();
    else if (dice < 960) this.requestRead();
    else replica.apply();
    group.check();
  }

  private moveMessage(): void {
    const { group, random } = this;
    const { network } = group;
    if (network.length === 0) return;
    // Mostly the oldest, so that the group gets anywhere, and any other often enough to reorder.
    const at = random.chance(0.8) ? 0 : random.between(0, network.length);
    const message = network[at];
    assert.ok(message !== undefined);
    if (!random.chance(0.05) || network.length > networkMax) network.splice(at, 1);
    if (random.chance(this.lossRatio)) return;
    group.deliver(message);
  }

  private crashOrRestart(): void {
    const { group, random } = this;
    const replica = group.replica(this.anyId());
    if (replica.raft === undefined) replica.start();
    else if (random.chance(0.5)) {
      this.counts.crashes += 1;
      replica.crash(random.between(0, replica.pending.length + 1));
      // Mostly back at once: a group that is mostly down shows nothing.
      if (random.chance(0.7)) replica.start();
    }
    group.check();
  }

  private changePartition(): void {
    const { group, random } = this;
    if (random.chance(0.6)) {
      group.heal();
      return;
    }
    const ids = [...group.replicas.keys()];
    const left = ids.filter(() => random.chance(0.5));
    group.partition(
      left,
      ids.filter((id) => !left.includes(id)),
    );
  }

  private propose(): void {
    const { group, random } = this;
    const leaders = group.running.filter(({ live }) => live.isLeader);
    const leader = leaders[random.between(0, leaders.length)];
    if (leader === undefined) return;
    const texts = Array.from({ length: random.between(1, 4) }, () => {
      this.proposals += 1;
      return `p${this.proposals}`.padEnd(random.between(1, 40), "-");
    });
    leader.propose(texts);
  }

  private requestRead(): void {
    const { group, random } = this;
    const leaders = group.running.filter(({ live }) => live.isLeader);
    const leader = leaders[random.between(0, leaders.length)];
    if (leader === undefined) return;
    this.tickets += 1;
    const { term } = leader.live;
    assert.ok(leader.live.requestRead(this.tickets));
    const floor = group.checker.committed.length;
    this.reads.set(this.tickets, { floor, replica: leader.id, term });
  }

  /** Linearizability: a read sees everything that was committed before it was asked for, by whomever. */
  private checkReads(): void {
    for (const replica of this.group.running) {
      for (const { ticket, index, term } of replica.confirmedReads.splice(0)) {
        const asked = this.reads.get(ticket);
        assert.ok(asked !== undefined, `read ${ticket} is confirmed once`);
        this.reads.delete(ticket);
        assert.equal(replica.id, asked.replica);
        assert.equal(term, asked.term, `read ${ticket} is confirmed in its own term`);
        assert.ok(
          index >= asked.floor,
          `read ${ticket} at ${index} misses entries committed up to ${asked.floor} before it began`,
        );
        this.counts.reads += 1;
      }
    }
  }

  private anyId(): NodeKey {
    const ids = [...this.group.replicas.keys()];
    const id = ids[this.random.between(0, ids.length)];
    assert.ok(id !== undefined);
    return id;
  }
}

const configurations: readonly Configuration[] = [
  { voters: [1, 2, 3], votersOutgoing: [], learners: [] },
  { voters: [1, 2, 3], votersOutgoing: [], learners: [] },
  { voters: [1, 2, 3, 4, 5], votersOutgoing: [], learners: [] },
  { voters: [1, 2, 3, 4, 5], votersOutgoing: [], learners: [] },
  { voters: [1, 2, 3, 4], votersOutgoing: [], learners: [] },
  { voters: [1, 2], votersOutgoing: [], learners: [] },
  { voters: [1, 2, 3], votersOutgoing: [], learners: [4] },
  { voters: [1, 2, 3], votersOutgoing: [3, 4, 5], learners: [] },
];

function drawConfiguration(random: Prng): Configuration {
  const configuration = configurations[random.between(0, configurations.length)];
  assert.ok(configuration !== undefined);
  return configuration;
}

function drawOptions(random: Prng): RaftOptions {
  return {
    ...defaultOptions,
    electionTicks: random.between(3, 8),
    heartbeatTicks: random.between(1, 3),
    inflightMessagesMax: random.between(1, 5),
    inflightBytesMax: random.between(1, 200),
    appendBytesMax: random.between(1, 100),
    uncommittedBytesMax: random.between(50, 1000),
    tailBytesMax: random.between(0, 150),
  };
}
