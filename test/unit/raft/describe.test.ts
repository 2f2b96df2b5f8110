import assert from "node:assert/strict";
import { test } from "node:test";
import {
  blockKind,
  describeBlock,
  describeBlocks,
  describeMessage,
} from "../../../src/raft/index.ts";
import type { Block, Message } from "../../../src/raft/index.ts";
import { SimulatedGroup, votersOf } from "../../datadriven/simulated-group.ts";
import { describeRaft, describeReady } from "../../../src/raft/index.ts";

function blockOf(first: number, count: number, kind: Block["kind"] = blockKind.command): Block {
  return { first, count, term: 2, kind, timeMs: 0, checksum: 0, bytes: new Uint8Array(count) };
}

test("describeBlock() shows range, term and a no-op's mark", () => {
  assert.equal(describeBlock(blockOf(5, 3)), "5..7@2");
  assert.equal(describeBlock(blockOf(5, 1)), "5@2");
  assert.equal(describeBlock(blockOf(5, 1, blockKind.noop)), "5@2!");
  assert.equal(describeBlocks([blockOf(1, 1), blockOf(2, 2)]), "[1@2 2..3@2]");
});

test("describeMessage() has a line for every kind of message", () => {
  const ends = { from: 1, to: 2, term: 3 };
  const cases: readonly (readonly [Message, string])[] = [
    [
      { ...ends, kind: "preVoteRequest", lastIndex: 4, lastTerm: 2 },
      "1->2 preVoteRequest term:3 log:(4,2)",
    ],
    [
      { ...ends, kind: "voteRequest", lastIndex: 4, lastTerm: 2, force: true },
      "1->2 voteRequest term:3 log:(4,2) force",
    ],
    [{ ...ends, kind: "preVoteResponse", granted: true }, "1->2 preVoteResponse term:3 granted"],
    [{ ...ends, kind: "voteResponse", granted: false }, "1->2 voteResponse term:3 refused"],
    [
      {
        ...ends,
        kind: "appendRequest",
        prevIndex: 4,
        prevTerm: 2,
        commit: 1,
        blocks: [blockOf(5, 2)],
      },
      "1->2 appendRequest term:3 prev:(4,2) commit:1 [5..6@2]",
    ],
    [
      {
        ...ends,
        kind: "appendResponse",
        index: 6,
        rejected: false,
        hintIndex: 0,
        hintTerm: 0,
      },
      "1->2 appendResponse term:3 match:6",
    ],
    [
      { ...ends, kind: "appendResponse", index: 6, rejected: true, hintIndex: 2, hintTerm: 1 },
      "1->2 appendResponse term:3 rejected:6 hint:(2,1)",
    ],
    [
      { ...ends, kind: "heartbeatRequest", commit: 4, commitTerm: 2, readRound: 0 },
      "1->2 heartbeatRequest term:3 commit:(4,2)",
    ],
    [{ ...ends, kind: "heartbeatResponse", readRound: 7 }, "1->2 heartbeatResponse term:3 read:7"],
    [
      { ...ends, kind: "commitNotice", commit: 4, commitTerm: 2 },
      "1->2 commitNotice term:3 commit:(4,2)",
    ],
  ];
  for (const [message, text] of cases) assert.equal(describeMessage(message), text);
});

test("describeReady() and describeRaft() show what a replica is about to do and where it stands", () => {
  const group = new SimulatedGroup({ configuration: votersOf(2) });
  group.replica(1).live.campaign(true);
  const ready = group.replica(1).live.takeReady();
  assert.equal(
    describeReady(ready),
    [
      "candidate term:1 leader:-",
      "persist term:1 vote:1",
      "durable 1->1 voteResponse term:1 granted",
      "durable 1->2 voteRequest term:1 log:(0,0) force",
    ].join("\n"),
  );
  assert.equal(
    describeRaft(group.replica(1).live),
    "1 candidate term:1 vote:1 leader:- log:(0,0) stable:0 commit:0 applied:0",
  );
});
