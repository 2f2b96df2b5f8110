/**
 * A stage whose histories are written by hand: three replicas of a group, what they give to their
 * disks, what becomes durable and what they say. The checks under test see every event, in order.
 */
import { resolveOptions } from "../../../../src/base/index.ts";
import type { GroupId, NodeId, ShardId, Term } from "../../../../src/base/index.ts";
import type { RecoveredGroup } from "../../../../src/log/index.ts";
import { blockKind, raftOptionTable } from "../../../../src/raft/index.ts";
import type { Message } from "../../../../src/raft/index.ts";
import { shardOptionTable } from "../../../../src/shard/index.ts";
import type { ShardOptions } from "../../../../src/shard/index.ts";
import type { AppliedEntry, Check, LiveReplica, Stage } from "../../../../src/testing/sim/check.ts";
import { AllChecks } from "../../../../src/testing/sim/checks/index.ts";
import { ShadowReplica, hashOf } from "../../../../src/testing/sim/shadow.ts";
import type { ShadowChange } from "../../../../src/testing/sim/shadow.ts";
import { Violation } from "../../../../src/testing/sim/violation.ts";
import { Raft } from "../../../../src/raft/index.ts";
import assert from "node:assert/strict";

/** A message without its envelope. */
export type Said = Message extends infer M
  ? M extends Message
    ? Omit<M, "from" | "to" | "term">
    : never
  : never;

export interface HandChange {
  readonly term?: Term;
  readonly vote?: NodeId;
  readonly commit?: number;
  readonly first?: number;
  /** Entries as "term command"; a no-op has no command. */
  readonly entries?: readonly string[];
}

const noop: number = hashOf(new Uint8Array(0), blockKind.noop);

export function hashOfText(command: string): number {
  return hashOf(new TextEncoder().encode(command), blockKind.command);
}

/** A shadow's change in a test's words. */
function changeOf(group: GroupId, change: HandChange): ShadowChange {
  const cells = (change.entries ?? []).map((entry) => entry.split(" "));
  return {
    group,
    term: change.term,
    vote: change.vote,
    commit: change.commit ?? 0,
    first: change.first ?? 0,
    terms: cells.map(([term]) => Number(term)),
    hashes: cells.map(([, command]) => (command === undefined ? noop : hashOfText(command))),
  };
}

export class CheckStage implements Stage {
  readonly nodes: readonly NodeId[] = ["a", "b", "c"];
  readonly options: ShardOptions = resolveOptions({ ...shardOptionTable, ...raftOptionTable }, {});
  readonly replicas: Map<string, ShadowReplica> = new Map();
  /** By "node group". */
  readonly running: Map<string, LiveReplica> = new Map();
  /** For how long a node's disk has not answered, in µs. */
  readonly stalls: Map<NodeId, number> = new Map();
  checks: AllChecks = new AllChecks([]);

  /** Whatever happens from now on, these checks see. */
  watch(...checks: readonly Check[]): this {
    this.checks = new AllChecks(checks);
    return this;
  }

  create(group: GroupId, members: readonly NodeId[] = this.nodes, incarnation = 100): this {
    for (const [at, node] of members.entries()) {
      const named = members.map((name, place) => ({
        node: name,
        incarnation: incarnation + place,
      }));
      const descriptor = { group, members: named, state: "running", reason: "" } as const;
      const replica = new ShadowReplica(node, incarnation + at, descriptor);
      this.replicas.set(`${node} ${group}`, replica);
    }
    return this;
  }

  replica(node: NodeId, group: GroupId = 1): ShadowReplica {
    const replica = this.shadow(node, group);
    if (replica === undefined) throw new RangeError(`${node} has no replica of group ${group}`);
    return replica;
  }

  shadow(node: NodeId, group: GroupId): ShadowReplica | undefined {
    return this.replicas.get(`${node} ${group}`);
  }

  shadowsOf(group: GroupId): readonly ShadowReplica[] {
    return [...this.replicas.values()].filter((replica) => replica.group === group);
  }

  groups(): Iterable<GroupId> {
    return new Set([...this.replicas.values()].map(({ group }) => group));
  }

  live(node: NodeId, group: GroupId): LiveReplica | undefined {
    return this.running.get(`${node} ${group}`);
  }

  stalledUs(node: NodeId): number {
    return this.stalls.get(node) ?? 0;
  }

  shardOf(): ShardId {
    return 0;
  }

  write(node: NodeId, hand: HandChange, group: GroupId = 1): ShadowChange {
    const replica = this.replica(node, group);
    const change = changeOf(group, { commit: replica.written.commit, ...hand });
    replica.written.take(change);
    this.checks.onWritten(replica, change);
    return change;
  }

  /** Writes and waits for the disk. */
  persist(node: NodeId, hand: HandChange, group: GroupId = 1): void {
    const change = this.write(node, hand, group);
    const replica = this.replica(node, group);
    replica.durable.take(change);
    this.checks.onDurable(replica, change);
  }

  /** What was not durable is gone. */
  cutPower(node: NodeId, group: GroupId = 1): void {
    const replica = this.replica(node, group);
    replica.written = replica.durable.copy();
    this.checks.onStopped(node, 0);
  }

  recover(node: NodeId, differences: Partial<RecoveredGroup> = {}, group: GroupId = 1): void {
    const { incarnation, members, birth, written } = this.replica(node, group);
    const named = members.map((name, at) => ({ node: name, incarnation: birth + at }));
    if (named.every((member) => member.incarnation !== incarnation)) throw new RangeError("birth");
    const runs = written.terms.flatMap((term, at) =>
      term === written.terms[at - 1] ? [] : [{ first: at + 1, term }],
    );
    const recovered: RecoveredGroup = {
      descriptor: { group, members: named, state: "running", reason: "" },
      ballot: { term: written.term, vote: written.vote },
      commit: written.commit,
      lastIndex: written.lastIndex,
      terms: runs,
      ...differences,
    };
    this.checks.onRecovered(node, 0, [recovered]);
  }

  /** `way` is "from to". */
  send(way: string, term: Term, said: Said, group: GroupId = 1): void {
    const [from = "", to = ""] = way.split(" ");
    const incarnation = this.shadow(from, group)?.incarnation ?? 0;
    const message: Message = { ...said, from: 1, to: 2, term };
    this.checks.onSend({ from, to, group, incarnation, message });
  }

  /** `entry` is "index term command result". */
  apply(node: NodeId, entry: string, group: GroupId = 1): void {
    const [index, term, command = "", result = ""] = entry.split(" ");
    const applied: AppliedEntry = {
      node,
      group,
      index: Number(index),
      term: Number(term),
      hash: hashOfText(command),
      resultHash: hashOfText(result),
    };
    this.checks.onApplied(applied);
  }

  /** Everybody votes for a node, which then has its no-op on its own disk. */
  elect(node: NodeId, term: Term): void {
    const others = this.nodes.filter((other) => other !== node);
    for (const other of others) {
      this.send(`${other} ${node}`, term, { kind: "preVoteResponse", granted: true });
    }
    for (const voter of this.nodes) this.persist(voter, { term, vote: node });
    for (const other of others) this.send(`${other} ${node}`, term, granted());
    this.checks.onRole({ node, group: 1, role: "leader", leader: node, term });
    const { lastIndex } = this.replica(node).written;
    this.persist(node, { first: lastIndex + 1, entries: [`${term}`] });
  }
}

export const heartbeat: Said = {
  kind: "heartbeatRequest",
  commit: 0,
  commitTerm: 0,
  readRound: 0,
};

export function commitOf(commit: number): Said {
  return { kind: "commitNotice", commit, commitTerm: 1 };
}

export function accepted(index: number): Said {
  return { kind: "appendResponse", index, rejected: false, hintIndex: 0, hintTerm: 0 };
}

export function granted(yes = true): Said {
  return { kind: "voteResponse", granted: yes };
}

/** The act must break the invariant named. */
export function breaks(invariant: string, act: () => void): void {
  assert.throws(act, (error: unknown) => {
    assert.ok(error instanceof Violation, String(error));
    assert.equal(error.invariant, invariant, error.message);
    return true;
  });
}

/** A leader of term 1 that nobody hears. */
export function lonelyLeader(stage: CheckStage): Raft {
  const raft = new Raft(
    {
      self: 1,
      configuration: { voters: [1, 2, 3], votersOutgoing: [], learners: [] },
      hardState: { term: 0, vote: 0, commit: 0 },
      lastIndex: 0,
      terms: [],
    },
    stage.options,
    { reader: { read: () => [] }, checksum: () => 0, random: (lo) => lo, rankOf: (id) => id },
  );
  raft.campaign(true);
  for (const from of [1, 2]) {
    raft.step({ kind: "voteResponse", from, to: 1, term: 1, granted: true });
  }
  assert.ok(raft.isLeader);
  return raft;
}
