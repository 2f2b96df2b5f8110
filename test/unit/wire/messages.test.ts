import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../src/base/index.ts";
import type { Block, Message } from "../../../src/raft/index.ts";
import {
  MessageBatch,
  bodyOfFrame,
  decodeCbor,
  encodeCbor,
  messageType,
  readMessages,
  wholeFrame,
} from "../../../src/wire/index.ts";
import type { ShardMessage } from "../../../src/wire/index.ts";
import { blockOf, collect, from, to } from "./sample-messages.ts";

const heartbeat: Message = {
  kind: "heartbeatRequest",
  from,
  to,
  term: 9,
  commit: 5,
  commitTerm: 8,
  readRound: 2,
};
const entry = Buffer.from("command");
const append: Message = {
  kind: "appendRequest",
  from,
  to,
  term: 4,
  prevIndex: 10,
  prevTerm: 3,
  commit: 8,
  blocks: [blockOf(11, 3, entry, entry), blockOf(13, 4, entry)],
};

/** The flat values of a frame with one message, for a test to spoil. */
function valuesOf(message: Message): unknown[] {
  const batch = new MessageBatch();
  batch.addMessage(1, 77, message);
  const values = decodeCbor(bodyOfFrame(wholeFrame(batch.take())));
  assert.ok(Array.isArray(values));
  return values;
}

function read(values: readonly unknown[]): ReturnType<typeof collect>["sent"] {
  const { sent, sink } = collect();
  assert.equal(readMessages(encodeCbor(values), from, to, sink), sent.length);
  return sent;
}

/** Reads the values with one replaced; positions count from the body's kind. */
function assertRefused(values: readonly unknown[], at: number, value: unknown, says: RegExp): void {
  const spoilt = values.map((old, position) => (position === at ? value : old));
  const { sent, sink } = collect();
  assert.throws(() => readMessages(encodeCbor(spoilt), from, to, sink), {
    code: "ERR_FRAME_INVALID",
    message: says,
  });
  assert.deepEqual(sent, [], "nothing of a faulty message is handed over");
}

test("MessageBatch lays messages into one flat array", () => {
  assert.deepEqual(valuesOf(heartbeat), [1, messageType.heartbeatRequest, 6, 1, 77, 9, 5, 8, 2]);
});

test("MessageBatch counts its messages, bounds its bytes from above, and is empty after take", () => {
  const batch = new MessageBatch();
  assert.equal(batch.count, 0);
  for (let group = 0; group < 100; group += 1) batch.addMessage(group, 2 ** 47, append);
  batch.addShardMessage({ kind: "groupUnknown", group: 1, incarnation: 2 ** 47, present: false });
  assert.equal(batch.count, 101);
  const { bytes } = batch;
  const body = bodyOfFrame(wholeFrame(batch.take()));
  assert.ok(bytes >= body.length && bytes < body.length * 3, `${bytes} for ${body.length}`);
  assert.equal(batch.count, 0);
  batch.addMessage(1, 77, heartbeat);
  assert.equal(readMessages(bodyOfFrame(wholeFrame(batch.take())), from, to, collect().sink), 1);
});

test("MessageBatch says when a message would break the limits of a frame", () => {
  const big: Block = { ...blockOf(11, 3, entry), bytes: new Uint8Array(9_000_000) };
  const large: Message = { ...append, blocks: [big] };
  const batch = new MessageBatch();
  assert.equal(batch.fits(large), true);
  batch.addMessage(1, 77, large);
  assert.equal(batch.fits(large), false);
  assert.throws(() => batch.addMessage(1, 77, large), { name: "AssertionError" });
  assert.equal(batch.fits(heartbeat), true);
  assert.ok(wholeFrame(batch.take()).length > 9_000_000);

  for (let count = 0; count < limits.frameMessagesMax; count += 1) {
    batch.addMessage(1, 77, heartbeat);
  }
  assert.equal(batch.fits(heartbeat), false);
  const frame = wholeFrame(batch.take());
  assert.equal(readMessages(bodyOfFrame(frame), from, to, collect().sink), limits.frameMessagesMax);
});

test("readMessages numbers blocks from prevIndex on and restores flags", () => {
  const granted: Message = { kind: "voteResponse", from, to, term: 2, granted: true };
  assert.deepEqual(read([...valuesOf(append), ...valuesOf(granted).slice(1)]), [
    { group: 1, incarnation: 77, message: append },
    { group: 1, incarnation: 77, message: granted },
  ]);
});

test("readMessages skips unknown types and fields that follow the known ones", () => {
  const known = { group: 1, incarnation: 77, message: heartbeat };
  const [, ...one] = valuesOf(heartbeat);
  const extended = [one[0], 8, ...one.slice(2), "later", [1, 2]];
  for (const type of [0, 13, 15, 21, 4_000_000_000, Number.MAX_SAFE_INTEGER]) {
    assert.deepEqual(read([1, type, 3, "a", null, [1], ...extended, type, 0, ...one]), [
      known,
      known,
    ]);
  }
});

test("readMessages refuses a sign of life with more endings than it holds or may hold", () => {
  const endings = Array.from({ length: limits.endingsMax }, (_, at) => ({ group: at, term: 3 }));
  const alive: ShardMessage = { kind: "shardAlive", life: 9, hears: true, ended: 500, endings };
  const batch = new MessageBatch();
  batch.addShardMessage(alive);
  const { bytes } = batch;
  const body = bodyOfFrame(wholeFrame(batch.take()));
  assert.ok(bytes >= body.length, `${bytes} for ${body.length}`);
  const { sent, sink } = collect();
  readMessages(body, from, to, sink);
  assert.deepEqual(sent, [alive]);
  const values = [1, messageType.shardAlive, 6, 9, 1, 500, 1, 4, 3];
  assert.equal(read(values).length, 1);
  assertRefused(values, 6, 2, /ends before/);
  assertRefused(values, 6, limits.endingsMax + 1, /endingCount/);
  assertRefused(values, 4, 2, /hears/);
  assert.throws(() => batch.addShardMessage({ ...alive, endings: [...endings, ...endings] }), {
    name: "AssertionError",
  });
});

test("readMessages refuses bodies that are no array of messages", () => {
  const { sink } = collect();
  for (const body of [{ 1: 2 }, 1, "text", [], [2], ["1"], [1, 7], [1, 7, 6, 1, 77, 9, 5, 8]]) {
    assert.throws(() => readMessages(encodeCbor(body), from, to, sink), {
      code: "ERR_FRAME_INVALID",
    });
  }
});

test("readMessages refuses a field of the wrong type or out of range, and names it", () => {
  const values = valuesOf(heartbeat);
  for (const [at, field] of [
    [3, "group"],
    [4, "incarnation"],
    [5, "term"],
    [6, "commit"],
    [7, "commitTerm"],
  ] as const) {
    const name = new RegExp(field);
    for (const value of [-1, 1.5, "1", null, true, [1], Number.NaN, 2 ** 53, Buffer.of(1)]) {
      assertRefused(values, at, value, name);
    }
  }
  assertRefused(values, 3, 2 ** 32, /group/);
  assertRefused(values, 2, 5, /readRound/);
  assertRefused(values, 2, 7, /beyond its frame/);
  assertRefused(values, 7, 10, /commitTerm/);
  assertRefused(values, 2, Number.MAX_SAFE_INTEGER, /beyond its frame/);
  const vote = valuesOf({ kind: "voteResponse", from, to, term: 2, granted: true });
  assertRefused(vote, 6, 2, /granted/);
  assertRefused(vote, 6, true, /granted/);
});

test("readMessages does not let a message read fields of the next one", () => {
  const [, ...one] = valuesOf(heartbeat);
  const short = [1, messageType.appendRequest, 3, 1, 77, 9, ...one];
  assert.throws(() => readMessages(encodeCbor(short), from, to, collect().sink), {
    code: "ERR_FRAME_INVALID",
    message: /prevIndex/,
  });
});

test("readMessages refuses blocks that no leader can have sent", () => {
  // 1, type, count, group, incarnation, term, prevIndex, prevTerm, commit, blockCount, then
  // kind, term, count, timeMs, checksum, bytes for each block.
  const values = valuesOf(append);
  assertRefused(values, 7, 5, /prevTerm/);
  assertRefused(values, 9, 3, /block kind/);
  assertRefused(values, 9, limits.messageBlocksMax + 1, /blockCount/);
  assertRefused(values, 10, 3, /kind 3/);
  assertRefused(values, 11, 2, /block term/);
  const falling = values.map((value, at) => (at === 11 ? 4 : value));
  assertRefused(falling, 17, 3, /block term/);
  assertRefused(values, 17, 5, /block term/);
  assertRefused(values, 12, 0, /0 entries/);
  assertRefused(values, 12, 1, /1 entries/);
  assertRefused(values, 12, 3, /3 entries/);
  assertRefused(values, 14, 1, /checksum/);
  assertRefused(values, 15, Buffer.of(0x42, 1), /entries/);
  assertRefused(values, 15, "text", /block bytes/);
  assertRefused(values, 6, Number.MAX_SAFE_INTEGER, /2\^53-1/);
});

test("readMessages refuses more messages than a frame may hold, known or not", () => {
  const values: number[] = [1];
  for (let count = 0; count <= limits.frameMessagesMax; count += 1) values.push(15, 0);
  assert.throws(() => readMessages(encodeCbor(values), from, to, collect().sink), {
    code: "ERR_FRAME_INVALID",
    message: /more than 65536 messages/,
  });
});
