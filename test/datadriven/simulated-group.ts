/**
 * A group of real cores with a network that the test holds in its hands: what was sent lies in `network` until the test
 * delivers, copies or drops it. Every change is followed by the checks of `safety-checker.ts`.
 */
import assert from "node:assert/strict";
import type { NodeKey } from "../../src/base/index.ts";
import { raftOptionTable } from "../../src/raft/index.ts";
import type {
  AppendGate,
  Configuration,
  Message,
  RaftOptions,
  Ready,
} from "../../src/raft/index.ts";
import { SafetyChecker } from "./safety-checker.ts";
import { SimulatedReplica } from "./simulated-replica.ts";

const roundsMax = 1000;

export interface GroupSetup {
  readonly configuration: Configuration;
  readonly options?: Partial<RaftOptions>;
  /** Draws the election deadline of a replica from [lo, hi). By default lo + its id, so that replica 1 is the fastest. */
  readonly random?: (id: NodeKey, lo: number, hi: number) => number;
}

export const defaultOptions: RaftOptions = {
  electionTicks: raftOptionTable.electionTicks.default,
  heartbeatTicks: raftOptionTable.heartbeatTicks.default,
  // A parked replica needs an owner who wakes it.
  parkTicks: 0,
  inflightMessagesMax: raftOptionTable.inflightMessagesMax.default,
  inflightBytesMax: raftOptionTable.inflightBytesMax.default,
  appendBytesMax: raftOptionTable.appendBytesMax.default,
  uncommittedBytesMax: raftOptionTable.uncommittedBytesMax.default,
  tailBytesMax: raftOptionTable.tailBytesMax.default,
};

export function votersOf(count: number): Configuration {
  const voters = Array.from({ length: count }, (_, at) => at + 1);
  return { voters, votersOutgoing: [], learners: [] };
}

export function groupOf(count: number, options: Partial<RaftOptions> = {}): SimulatedGroup {
  return new SimulatedGroup({ configuration: votersOf(count), options });
}

export class SimulatedGroup {
  readonly configuration: Configuration;
  readonly replicas: Map<NodeKey, SimulatedReplica> = new Map();
  /** Sent, neither delivered nor lost, in the order of sending. */
  network: Message[] = [];
  readonly checker: SafetyChecker;
  /** Replicas with different numbers do not reach each other. */
  private readonly sides: Map<NodeKey, number> = new Map();

  constructor({ configuration, options, random }: GroupSetup) {
    this.configuration = configuration;
    this.checker = new SafetyChecker(configuration);
    const { voters, votersOutgoing, learners } = configuration;
    for (const id of new Set([...voters, ...votersOutgoing, ...learners])) {
      const draw = random ?? ((self, lo, hi): number => Math.min(lo + self, hi - 1));
      const setup = {
        id,
        configuration,
        options: { ...defaultOptions, ...options },
        random: (lo: number, hi: number): number => draw(id, lo, hi),
      };
      this.replicas.set(id, new SimulatedReplica(setup));
    }
  }

  replica(id: NodeKey): SimulatedReplica {
    const replica = this.replicas.get(id);
    assert.ok(replica !== undefined, `there is a replica ${id}`);
    return replica;
  }

  /** Replicas that run, in order. */
  get running(): SimulatedReplica[] {
    return [...this.replicas.values()].filter((replica) => replica.raft !== undefined);
  }

  get leader(): SimulatedReplica | undefined {
    const leaders = this.running.filter((replica) => replica.live.isLeader);
    return leaders.sort((a, b) => b.live.term - a.live.term)[0];
  }

  partition(...sides: readonly (readonly NodeKey[])[]): void {
    this.sides.clear();
    for (const [side, ids] of sides.entries()) for (const id of ids) this.sides.set(id, side + 1);
  }

  heal(): void {
    this.sides.clear();
  }

  reaches(from: NodeKey, to: NodeKey): boolean {
    return (this.sides.get(from) ?? 0) === (this.sides.get(to) ?? 0);
  }

  private send(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.from !== message.to) this.network.push(message);
    }
  }

  takeReady(id: NodeKey, gate?: AppendGate): Ready | undefined {
    const ready = this.replica(id).takeReady(gate);
    if (ready !== undefined) this.send(ready.messages);
    this.check();
    return ready;
  }

  persist(id: NodeKey): Ready | undefined {
    const ready = this.replica(id).persist();
    if (ready !== undefined) this.send(ready.durableMessages);
    this.check();
    return ready;
  }

  /** Removes the messages that match from the network, the oldest first, `countMax` at most. */
  take(matches: (message: Message) => boolean, countMax = Number.POSITIVE_INFINITY): Message[] {
    const taken: Message[] = [];
    this.network = this.network.filter((message) => {
      if (taken.length >= countMax || !matches(message)) return true;
      taken.push(message);
      return false;
    });
    return taken;
  }

  /** Returns whether it arrived: a crashed replica and one behind a partition hear nothing. */
  deliver(message: Message): boolean {
    const { raft } = this.replica(message.to);
    if (raft === undefined || !this.reaches(message.from, message.to)) return false;
    raft.step(message);
    this.check();
    return true;
  }

  /** Takes, persists and applies whatever one replica has to do; returns the Readys. */
  work(id: NodeKey): Ready[] {
    const replica = this.replica(id);
    const done: Ready[] = [];
    for (let round = 0; round < roundsMax; round += 1) {
      const ready = this.takeReady(id);
      if (ready !== undefined) done.push(ready);
      if (replica.pending.length === 0) return done;
      while (this.persist(id) !== undefined);
      replica.apply();
      this.check();
    }
    throw new Error(`replica ${id} is not done after ${roundsMax} turns`);
  }

  /** Lets the named replicas work and talk to each other until all is quiet. Messages to others stay in the network. */
  stabilize(
    ids: readonly NodeKey[] = [...this.replicas.keys()],
    onReady: (id: NodeKey, ready: Ready) => void = () => undefined,
  ): void {
    for (let round = 0; round < roundsMax; round += 1) {
      let busy = false;
      for (const { id } of this.running.filter((replica) => ids.includes(replica.id))) {
        for (const ready of this.work(id)) {
          busy = true;
          onReady(id, ready);
        }
        this.replica(id).apply();
      }
      const among = this.take(({ from, to }) => ids.includes(from) && ids.includes(to));
      for (const message of among) this.deliver(message);
      if (!busy && among.length === 0) return;
    }
    throw new Error(`the group is not quiet after ${roundsMax} rounds`);
  }

  tick(id: NodeKey, count = 1): void {
    for (let at = 0; at < count; at += 1) this.replica(id).live.tick();
    this.check();
  }

  /** Elects a replica however its log and its voters' patience stand; what they say of it is not forgotten. */
  electForced(id: NodeKey): void {
    this.replica(id).live.campaign(true);
    this.stabilize();
    assert.ok(this.replica(id).live.isLeader, `replica ${id} was elected`);
  }

  /** Elects a replica the usual way, everybody taking part. */
  elect(id: NodeKey): void {
    this.replica(id).live.campaign();
    this.stabilize();
    assert.ok(this.replica(id).live.isLeader, `replica ${id} was elected`);
  }

  check(): void {
    this.checker.check(this.running, [...this.replicas.values()]);
  }
}
