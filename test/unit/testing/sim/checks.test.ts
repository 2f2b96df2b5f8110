/**
 * Each check against histories written by hand: sound ones, which all checks let pass, and one that
 * breaks the rule, which that check alone must find.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Check, Stage } from "../../../../src/testing/sim/check.ts";
import { CommittedEntries } from "../../../../src/testing/sim/checks/committed-entries.ts";
import { CoreInvariants } from "../../../../src/testing/sim/checks/core-invariants.ts";
import { ElectedByMajority } from "../../../../src/testing/sim/checks/elected-by-majority.ts";
import { ElectionSafety } from "../../../../src/testing/sim/checks/election-safety.ts";
import { GroupIsolation } from "../../../../src/testing/sim/checks/group-isolation.ts";
import { createChecks } from "../../../../src/testing/sim/checks/index.ts";
import { LeaderAppendOnly } from "../../../../src/testing/sim/checks/leader-append-only.ts";
import { LeaderCompleteness } from "../../../../src/testing/sim/checks/leader-completeness.ts";
import { LogMatching } from "../../../../src/testing/sim/checks/log-matching.ts";
import { MonotonicState } from "../../../../src/testing/sim/checks/monotonic-state.ts";
import { OwnTermCommit } from "../../../../src/testing/sim/checks/own-term-commit.ts";
import { PersistBeforeSpeak } from "../../../../src/testing/sim/checks/persist-before-speak.ts";
import { QuorumOfDisks } from "../../../../src/testing/sim/checks/quorum-of-disks.ts";
import { Recovery } from "../../../../src/testing/sim/checks/recovery.ts";
import { RemovedReplicas } from "../../../../src/testing/sim/checks/removed-replicas.ts";
import { StalledDisk } from "../../../../src/testing/sim/checks/stalled-disk.ts";
import { StateMachineAgreement } from "../../../../src/testing/sim/checks/state-machine-agreement.ts";
import { TransferTarget } from "../../../../src/testing/sim/checks/transfer-target.ts";
import { UpToDateVotes } from "../../../../src/testing/sim/checks/up-to-date-votes.ts";
import { VerifiedPrefix } from "../../../../src/testing/sim/checks/verified-prefix.ts";
import { append, blockOf } from "../../../datadriven/hand-made.ts";
import { SimulatedGroup, votersOf } from "../../../datadriven/simulated-group.ts";
import {
  CheckStage,
  accepted,
  breaks,
  commitOf,
  granted,
  hashOfText,
  heartbeat,
  lonelyLeader,
} from "./check-stage.ts";

/** One group on three nodes, under the named checks and the two that keep account. */
function stageWith(...makers: readonly (new (stage: Stage) => Check)[]): CheckStage {
  const stage = new CheckStage().create(1);
  const all = [ElectionSafety, CommittedEntries, ...makers];
  return stage.watch(...all.map((Maker) => new Maker(stage)));
}

/** Under every check: `a` leads term 1 and commits its no-op and a command, with `b`. */
function soundStage(): CheckStage {
  const stage = new CheckStage().create(1);
  stage.watch(...createChecks(stage));
  stage.elect("a", 1);
  stage.checks.onProposed(1, hashOfText("x"));
  stage.send("a b", 1, {
    kind: "appendRequest",
    prevIndex: 0,
    prevTerm: 0,
    commit: 0,
    blocks: [],
  });
  stage.persist("a", { first: 2, entries: ["1 x"] });
  stage.persist("b", { first: 1, entries: ["1", "1 x"] });
  stage.send("b a", 1, accepted(2));
  return stage;
}

test("a sound history passes every check: election, commit, apply, crash, a later leader", () => {
  const stage = soundStage();
  stage.apply("a", "2 1 x r");
  stage.send("a b", 1, commitOf(2));
  stage.write("b", { commit: 2 });
  stage.apply("b", "2 1 x r");
  stage.cutPower("b");
  stage.recover("b");
  stage.checks.onMachine("b", 1);
  stage.apply("b", "2 1 x r");
  stage.elect("b", 2);
  stage.persist("c", { first: 1, entries: ["1", "1 x", "2"] });
  stage.send("c b", 2, accepted(3));
  stage.send("b c", 2, commitOf(3));
  stage.checks.onDiskLost("a");
  stage.checks.atEnd();
});

test("election-safety finds two leaders of a term, by role and by message", () => {
  const stage = stageWith();
  stage.elect("a", 1);
  stage.send("a b", 1, heartbeat);
  stage.elect("b", 2);
  breaks("election-safety", () => stage.send("b c", 1, heartbeat));
  breaks("election-safety", () => {
    stage.checks.onRole({ node: "c", group: 1, role: "leader", leader: "c", term: 2 });
  });
});

test("election-safety takes a group that was created anew for another one", () => {
  const stage = stageWith();
  stage.elect("a", 1);
  stage.replicas.clear();
  stage.create(1, ["a", "b", "c"], 200);
  stage.elect("b", 1);
});

test("election-safety does not take late mail for a claim of the replica's successor", () => {
  const stage = stageWith();
  stage.elect("a", 3);
  stage.replicas.clear();
  stage.create(1, ["a", "b", "c"], 200);
  stage.checks.onRole({ node: "a", group: 1, role: "leader", leader: "a", term: 3 });
  stage.elect("b", 3);
});

test("log-matching finds equal terms over different commands and different predecessors", () => {
  const stage = stageWith(LogMatching);
  stage.write("a", { first: 1, entries: ["1 x", "1 y", "2 z"] });
  stage.write("b", { first: 1, entries: ["1 x", "1 y", "2 z"] });
  breaks("log-matching", () => stage.write("c", { first: 1, entries: ["1 x", "1 other"] }));
  breaks("log-matching", () => stage.write("c", { first: 2, entries: ["2 y", "2 z"] }));
});

test("log-matching remembers what fallen leaders left behind", () => {
  const stage = stageWith(LogMatching);
  stage.write("a", { first: 1, entries: ["1 x", "1 y"] });
  stage.write("b", { first: 1, entries: ["1 x", "2 y"] });
  stage.write("b", { first: 2, entries: ["3 y"] });
  stage.write("c", { first: 1, entries: ["1 x", "2 y"] });
  breaks("log-matching", () => stage.write("a", { first: 2, entries: ["2 other"] }));
});

test("leader-append-only finds a leader that replaces its own entries, and only a leader", () => {
  const stage = stageWith(LeaderAppendOnly);
  stage.elect("a", 1);
  stage.write("a", { first: 2, entries: ["1 x"] });
  stage.write("b", { first: 1, entries: ["1", "1 y"] });
  stage.write("b", { first: 2, entries: ["1 x"] });
  breaks("leader-append-only", () => stage.write("a", { first: 2, entries: ["1 y"] }));
});

test("leader-append-only lets a leader of an earlier term follow", () => {
  const stage = stageWith(LeaderAppendOnly);
  stage.elect("a", 1);
  stage.write("a", { first: 2, entries: ["1 x"] });
  stage.write("a", { term: 2, first: 2, entries: ["2 y"] });
});

test("committed-entries finds a replica that knows another entry to be committed", () => {
  const stage = stageWith();
  stage.persist("a", { first: 1, entries: ["1 x"] });
  stage.persist("b", { first: 1, entries: ["1 x"] });
  stage.send("a b", 1, commitOf(1));
  stage.write("b", { commit: 1 });
  breaks("committed-entries", () => {
    stage.write("c", { first: 1, entries: ["1 y"], commit: 1 });
  });
});

test("committed-entries waits to the end of the turn for the log behind a commit index", () => {
  const stage = stageWith();
  const turn = (node: string) => {
    for (const check of [committed]) check.onTurn({ node });
  };
  const committed = new CommittedEntries(stage);
  stage.watch(new ElectionSafety(stage), committed);
  stage.send("a b", 1, commitOf(1));
  stage.write("a", { first: 1, entries: ["1 x"] });
  turn("a");
  stage.send("a b", 1, commitOf(2));
  turn("b");
  breaks("committed-entries", () => turn("a"));
  stage.send("a b", 1, commitOf(2));
  stage.checks.onStopped("a", 0);
  turn("a");
});

test("committed-entries finds a disk that gives up an entry in the term that committed it", () => {
  const stage = stageWith();
  for (const node of stage.nodes) {
    stage.persist(node, { term: 1, first: 1, entries: ["1 x"] });
  }
  stage.send("a b", 1, commitOf(1));
  breaks("committed-entries", () => stage.write("b", { term: 2, first: 1, entries: ["2 y"] }));
});

test("committed-entries lets a disk give up an entry that was committed later, by others", () => {
  const stage = new CheckStage().create(1, ["a", "b", "c", "d", "e"]);
  stage.watch(new ElectionSafety(stage), new CommittedEntries(stage), new QuorumOfDisks(stage));
  for (const node of ["a", "b", "c"]) stage.persist(node, { term: 1, first: 1, entries: ["1 x"] });
  stage.persist("d", { term: 1, first: 1, entries: ["1 x"] });
  for (const node of ["a", "b", "c"]) stage.persist(node, { term: 3, first: 2, entries: ["3"] });
  stage.send("a b", 3, commitOf(2));
  // A leader of term 2 that fell long ago still has messages in flight to d.
  stage.persist("d", { term: 2, first: 1, entries: ["2 y"] });
  breaks("committed-entries", () => stage.write("c", { term: 4, first: 1, entries: ["2 y"] }));
});

test("committed-entries finds a commit beyond the log of who applies it", () => {
  const stage = stageWith();
  stage.persist("a", { term: 1, first: 1, entries: ["1 x"] });
  breaks("committed-entries", () => stage.apply("a", "2 1 y r"));
});

test("leader-completeness finds a new leader without a committed entry", () => {
  const stage = stageWith(LeaderCompleteness);
  stage.elect("a", 1);
  stage.persist("b", { first: 1, entries: ["1"] });
  stage.send("a b", 1, commitOf(1));
  stage.elect("b", 2);
  breaks("leader-completeness", () => stage.elect("c", 3));
});

test("leader-completeness finds an entry that is committed past a later leader", () => {
  const stage = stageWith(LeaderCompleteness);
  stage.elect("a", 1);
  stage.persist("b", { first: 1, entries: ["1"] });
  stage.elect("b", 2);
  stage.elect("c", 3);
  breaks("leader-completeness", () => stage.send("a b", 1, commitOf(1)));
});

test("leader-completeness asks nothing of a leader whose term came before the commit's", () => {
  const stage = stageWith(LeaderCompleteness);
  stage.elect("b", 2);
  stage.persist("c", { first: 1, entries: ["2"] });
  stage.send("b c", 2, commitOf(1));
  // Elected by votes that were in flight; it has not heard of term 2 yet.
  stage.send("a c", 1, heartbeat);
});

test("quorum-of-disks finds an entry that is committed on one disk, or before it is durable", () => {
  const stage = stageWith(QuorumOfDisks);
  stage.elect("a", 1);
  stage.write("b", { first: 1, entries: ["1"] });
  breaks("quorum-of-disks", () => stage.send("a b", 1, commitOf(1)));
});

test("quorum-of-disks counts a disk that was lost as it was", () => {
  const stage = stageWith(QuorumOfDisks);
  stage.elect("a", 1);
  stage.persist("b", { first: 1, entries: ["1"] });
  stage.replicas.delete("b 1");
  stage.checks.onDiskLost("b");
  stage.send("a c", 1, commitOf(1));
});

test("persist-before-speak finds votes and terms that are not on disk", () => {
  const stage = stageWith(PersistBeforeSpeak);
  stage.persist("b", { term: 2, vote: "a" });
  stage.send("b a", 2, granted());
  stage.send("b c", 2, granted(false));
  stage.send("b a", 9, { kind: "preVoteResponse", granted: true });
  stage.send("b a", 9, { kind: "preVoteRequest", lastIndex: 7, lastTerm: 8 });
  stage.write("c", { term: 3, vote: "a" });
  const unsaid = [
    granted(),
    granted(false),
    { kind: "preVoteResponse", granted: false } as const,
    { kind: "heartbeatResponse", readRound: 0 } as const,
    { ...accepted(0), rejected: true },
  ];
  for (const said of unsaid) {
    breaks("persist-before-speak", () => stage.send("c a", 3, said));
  }
  breaks("persist-before-speak", () => stage.send("b c", 2, granted()));
});

test("persist-before-speak finds a second vote, also where the disk has gone on", () => {
  const stage = stageWith(PersistBeforeSpeak);
  stage.persist("b", { term: 2, vote: "a" });
  stage.send("b a", 2, granted());
  stage.persist("b", { term: 3 });
  stage.send("b a", 2, granted());
  breaks("persist-before-speak", () => stage.send("b c", 2, granted()));
});

test("persist-before-speak finds a candidate whose vote or log is not on disk", () => {
  const stage = stageWith(PersistBeforeSpeak);
  const ask = { kind: "voteRequest", lastIndex: 1, lastTerm: 1, force: false } as const;
  stage.persist("a", { term: 1, first: 1, entries: ["1 x"] });
  stage.persist("a", { term: 2, vote: "a" });
  stage.send("a b", 2, ask);
  breaks("persist-before-speak", () => stage.send("a b", 2, { ...ask, lastIndex: 2 }));
  breaks("persist-before-speak", () => stage.send("a b", 3, ask));
  breaks("persist-before-speak", () => stage.send("a b", 3, heartbeat));
});

test("persist-before-speak finds an acknowledgement of what is only written", () => {
  const stage = stageWith(PersistBeforeSpeak);
  stage.persist("b", { term: 1, first: 1, entries: ["1"] });
  stage.write("b", { first: 2, entries: ["1 x"] });
  stage.send("b a", 1, accepted(1));
  breaks("persist-before-speak", () => stage.send("b a", 1, accepted(2)));
});

test("persist-before-speak lets an old acknowledgement leave after a later leader's change", () => {
  const stage = stageWith(PersistBeforeSpeak, VerifiedPrefix);
  stage.persist("b", { term: 1, first: 1, entries: ["1", "1 x"] });
  stage.persist("b", { term: 2, first: 2, entries: ["2"] });
  stage.send("b a", 1, accepted(5));
});

test("persist-before-speak finds a commit index beyond the receiver's disk, unless it was lost", () => {
  const stage = stageWith(PersistBeforeSpeak);
  stage.elect("a", 1);
  stage.persist("b", { first: 1, entries: ["1"] });
  stage.send("a b", 1, { kind: "heartbeatRequest", commit: 1, commitTerm: 1, readRound: 0 });
  breaks("persist-before-speak", () => stage.send("a c", 1, commitOf(1)));
  stage.checks.onDiskLost("c");
  stage.send("a c", 1, commitOf(1));
});

test("verified-prefix finds an acknowledgement over another leader's tail", () => {
  const stage = stageWith(VerifiedPrefix);
  stage.persist("b", { term: 1, first: 1, entries: ["1", "1 old", "1 tail"] });
  stage.persist("a", { term: 1, first: 1, entries: ["1", "1 old"] });
  stage.elect("a", 3);
  stage.send("b a", 3, accepted(2));
  breaks("verified-prefix", () => stage.send("b a", 3, accepted(3)));
});

test("verified-prefix compares with the leader's log as it was when it was elected", () => {
  const stage = stageWith(VerifiedPrefix);
  stage.persist("a", { term: 1, first: 1, entries: ["1", "1 x", "1 y"] });
  stage.persist("b", { term: 1, first: 1, entries: ["1", "1 x"] });
  stage.elect("a", 2);
  // The leader falls, and its log is cut by the next one, while b's answers are in flight.
  stage.persist("a", { term: 4, first: 2, entries: ["4"] });
  stage.send("b a", 2, accepted(2));
  stage.persist("b", { first: 2, entries: ["2"] });
  breaks("verified-prefix", () => stage.send("b a", 2, accepted(2)));
});

test("verified-prefix finds an acknowledgement to nobody's leader", () => {
  const stage = stageWith(VerifiedPrefix);
  stage.persist("b", { term: 1 });
  breaks("verified-prefix", () => stage.send("b a", 1, accepted(0)));
});

test("monotonic-state finds a term, a vote or a commit index that goes back", () => {
  const stage = stageWith(MonotonicState);
  stage.persist("a", { term: 3, first: 1, entries: ["1", "2"], commit: 1 });
  stage.persist("a", { term: 3, vote: "b" });
  breaks("monotonic-state", () => stage.write("a", { term: 3, vote: "c" }));
  breaks("monotonic-state", () => stage.write("a", { term: 3 }));
  breaks("monotonic-state", () => stage.write("a", { term: 2, vote: "b" }));
  breaks("monotonic-state", () => stage.write("a", { commit: 0 }));
});

test("monotonic-state lets what was only written fall with the power, and what is durable not", () => {
  const stage = stageWith(MonotonicState);
  stage.persist("a", { term: 3, vote: "b" });
  stage.write("a", { term: 5, vote: "c" });
  stage.cutPower("a");
  stage.recover("a");
  stage.persist("a", { term: 4, vote: "a" });
  const replica = stage.replica("a");
  replica.durable.term = 3;
  replica.written = replica.durable.copy();
  breaks("monotonic-state", () => stage.recover("a"));
});

test("recovery finds whatever a store found other than the disk was given", () => {
  const stage = stageWith(Recovery);
  stage.persist("a", { term: 2, vote: "b", first: 1, entries: ["1", "2"], commit: 1 });
  stage.recover("a");
  breaks("recovery", () => stage.recover("a", { ballot: { term: 2, vote: "c" } }));
  breaks("recovery", () => stage.recover("a", { ballot: { term: 1, vote: "b" } }));
  breaks("recovery", () => stage.recover("a", { commit: 2 }));
  breaks("recovery", () => stage.recover("a", { lastIndex: 1 }));
  breaks("recovery", () => stage.recover("a", { terms: [{ first: 1, term: 1 }] }));
  const descriptor = { group: 1, members: [], state: "running", reason: "" } as const;
  breaks("recovery", () => stage.recover("a", { descriptor }));
  breaks("recovery", () => stage.recover("a", { descriptor: { ...descriptor, group: 9 } }));
  breaks("recovery", () => stage.checks.onRecovered("a", 0, []));
});

test("state-machine-agreement finds other commands, other results, gaps and repeats", () => {
  const prepare = (): CheckStage => {
    const stage = stageWith(StateMachineAgreement);
    for (const node of stage.nodes) {
      stage.persist(node, { term: 1, first: 1, entries: ["1", "1 x", "1 y"] });
    }
    stage.apply("a", "2 1 x r");
    stage.apply("a", "3 1 y s");
    return stage;
  };
  prepare().apply("b", "2 1 x r");
  breaks("state-machine-agreement", () => prepare().apply("b", "2 1 x other"));
  breaks("state-machine-agreement", () => prepare().apply("b", "2 1 other r"));
  breaks("state-machine-agreement", () => prepare().apply("b", "2 2 x r"));
  breaks("state-machine-agreement", () => prepare().apply("b", "3 1 y s"));
  breaks("state-machine-agreement", () => prepare().apply("a", "3 1 y s"));
  const stage = prepare();
  stage.checks.onMachine("a", 1);
  stage.apply("a", "2 1 x r");
});

test("state-machine-agreement finds a machine that runs ahead of its own disk", () => {
  const stage = stageWith(StateMachineAgreement);
  for (const node of ["a", "b"]) stage.persist(node, { term: 1, first: 1, entries: ["1 x"] });
  stage.apply("a", "1 1 x r");
  stage.write("c", { term: 1, first: 1, entries: ["1 x"] });
  breaks("state-machine-agreement", () => stage.apply("c", "1 1 x r"));
});

test("group-isolation finds a message of a foreign replica, or to one that is no member", () => {
  const stage = stageWith(GroupIsolation).create(2, ["a", "b"], 300);
  stage.send("a b", 1, heartbeat, 2);
  const { message } = { message: { ...heartbeat, from: 1, to: 2, term: 1 } };
  const sent = { from: "a", to: "b", group: 2, incarnation: 300, message };
  stage.checks.onSend(sent);
  breaks("group-isolation", () => stage.checks.onSend({ ...sent, incarnation: 100 }));
  breaks("group-isolation", () => stage.checks.onSend({ ...sent, to: "c" }));
  breaks("group-isolation", () => stage.checks.onSend({ ...sent, from: "c" }));
});

test("group-isolation finds an entry that was proposed elsewhere, or less often", () => {
  const stage = stageWith(GroupIsolation).create(2, ["a", "b", "c"], 300);
  for (const group of [1, 2]) {
    stage.persist("a", { term: 1, first: 1, entries: ["1", "1 x", "1 x"] }, group);
    stage.persist("b", { term: 1, first: 1, entries: ["1", "1 x", "1 x"] }, group);
  }
  stage.checks.onProposed(1, hashOfText("x"));
  stage.apply("a", "2 1 x r");
  stage.apply("b", "2 1 x r");
  breaks("group-isolation", () => stage.apply("a", "3 1 x r"));
  breaks("group-isolation", () => stage.apply("a", "2 1 x r", 2));
});

test("core-invariants finds a replica whose state contradicts itself", () => {
  const stage = stageWith();
  const check = new CoreInvariants(stage);
  const raft = lonelyLeader(stage);
  check.onTurn({ node: "a", shard: { replicas: new Map([[1, { group: 1, raft }]]) } });
  raft.state.vote = 2;
  breaks("core-invariants", () => {
    check.onTurn({ node: "a", shard: { replicas: new Map([[1, { group: 1, raft }]]) } });
  });
});

test("core-invariants looks at every replica in its turn", () => {
  const stage = stageWith();
  const check = new CoreInvariants(stage);
  const replicas = new Map(
    Array.from({ length: 9 }, (_, group) => [group, { group, raft: lonelyLeader(stage) }]),
  );
  const shard = { replicas };
  check.onTurn({ node: "a", shard });
  for (const { raft } of [...replicas.values()].slice(8)) raft.state.vote = 2;
  breaks("core-invariants", () => {
    for (let turn = 0; turn < 2 * 64; turn += 1) check.onTurn({ node: "a", shard });
  });
});

test("a violation that a shard took for a failure of its own comes up at the next turn", () => {
  const stage = stageWith(QuorumOfDisks);
  stage.elect("a", 1);
  assert.throws(() => stage.send("a b", 1, commitOf(1)));
  breaks("quorum-of-disks", () => stage.checks.rethrow());
  breaks("quorum-of-disks", () => stage.checks.atEnd());
});

test("own-term-commit finds a leader that commits an entry of an older term by counting", () => {
  const stage = stageWith(OwnTermCommit);
  const leader = new SimulatedGroup({ configuration: votersOf(3) }).replica(1).live;
  stage.running.set("a 1", { raft: leader });
  stage.persist("a", { term: 1, first: 1, entries: ["1 x"] });
  leader.step(append(1, [0, 0], [blockOf(1, 1)]));
  leader.campaign(true);
  for (const from of [1, 2]) {
    leader.step({ kind: "voteResponse", from, to: 1, term: 2, granted: true });
  }
  stage.send("a b", 2, heartbeat);
  leader.state.log.committed = 1;
  breaks("own-term-commit", () => stage.send("a b", 2, heartbeat));
});

test("up-to-date-votes finds a vote for a candidate that is behind, and no other", () => {
  const stage = stageWith(UpToDateVotes);
  stage.persist("b", { term: 1, first: 1, entries: ["1 x", "1 y"] });
  const ask = (from: string, term: number, lastIndex: number, lastTerm: number) => {
    const force = false;
    stage.send(`${from} b`, term, { kind: "voteRequest", lastIndex, lastTerm, force });
    stage.persist("b", { term, vote: from });
    stage.send(`b ${from}`, term, granted());
  };
  ask("a", 2, 2, 1);
  ask("c", 3, 1, 2);
  breaks("up-to-date-votes", () => ask("a", 4, 1, 1));
});

test("transfer-target finds a successor that lacks entries, and a leader whose log has grown", () => {
  const stage = stageWith(TransferTarget);
  const tell = () => stage.send("a b", 1, { kind: "timeoutNow", index: 1 });
  stage.elect("a", 1);
  breaks("transfer-target", tell);
  stage.persist("b", { first: 1, entries: ["1"] });
  tell();
  stage.persist("a", { first: 2, entries: ["1 x"] });
  breaks("transfer-target", tell);
});

test("removed-replicas finds the removal of a replica that has voted", () => {
  const stage = stageWith(RemovedReplicas);
  stage.checks.onRemoved("c", 1, false);
  stage.persist("b", { term: 1, vote: "a" });
  breaks("removed-replicas", () => stage.checks.onRemoved("b", 1, false));
});

test("elected-by-majority counts each voter's word of that very term once", () => {
  const stage = stageWith(ElectedByMajority);
  stage.elect("a", 1);
  for (const node of ["b", "c"]) stage.persist(node, { term: 2, vote: "c" });
  for (let twice = 0; twice < 2; twice += 1) stage.send("b a", 2, granted());
  stage.send("b c", 2, granted(false));
  stage.send("b c", 3, granted());
  breaks("elected-by-majority", () => {
    stage.checks.onRole({ node: "c", group: 1, role: "leader", leader: "c", term: 2 });
  });
});

test("elected-by-majority finds a campaign that nobody was asked about, unless it is forced", () => {
  const stage = stageWith(ElectedByMajority);
  const campaign = (force: boolean) => {
    stage.send("a b", 1, { kind: "voteRequest", lastIndex: 0, lastTerm: 0, force });
  };
  campaign(true);
  stage.send("b a", 2, { kind: "preVoteResponse", granted: true });
  breaks("elected-by-majority", () => campaign(false));
  stage.send("b a", 1, { kind: "preVoteResponse", granted: true });
  campaign(false);
});

test("stalled-disk finds a heartbeat of a node whose disk has long not answered", () => {
  const stage = stageWith(StalledDisk);
  stage.elect("a", 1);
  stage.stalls.set("a", 1_200_000);
  stage.send("a b", 1, heartbeat);
  stage.stalls.set("a", 1_200_001);
  breaks("stalled-disk", () => stage.send("a b", 1, heartbeat));
});
