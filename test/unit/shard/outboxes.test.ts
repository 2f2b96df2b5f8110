/** What a shard sends when the connection to another one has no room. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LaneTurns } from "../../../src/shard/lane-turns.ts";
import { Outboxes } from "../../../src/shard/outboxes.ts";
import type { Lane, Link, Transport } from "../../../src/transport/index.ts";
import { bodyOfFrame, readMessages, wholeFrame } from "../../../src/wire/index.ts";
import type { Frame, ShardMessage } from "../../../src/wire/index.ts";

/** A link whose lane is as full as the test says, and that writes down what it is given. */
class TestLink implements Link {
  readonly node = "b";
  readonly shard = 0;
  readonly up = true;
  readonly incarnation = 1;
  queued = 0;
  asked = 0;
  readonly sent: ShardMessage[] = [];

  send(_lane: Lane, frame: Frame): boolean {
    readMessages(bodyOfFrame(Buffer.from(wholeFrame(frame))), 1, 2, {
      onMessage: () => {},
      onShardMessage: (message) => this.sent.push(message),
    });
    return true;
  }

  queuedBytes(): number {
    return this.queued;
  }

  tellDrained(): void {
    this.asked += 1;
  }
}

function outboxesOver(link: TestLink, lanes = 10_000): Outboxes {
  const transport: Pick<Transport, "link"> = { link: () => link };
  return new Outboxes(transport, { lane: 1_000, lanes, held: 1_000 });
}

const payload = new Uint8Array(100);
const request = { kind: "shardRequest", id: 1, group: 1, op: 1, timeoutMs: 9, payload } as const;
const response = { kind: "shardResponse", group: 1, failed: false, index: 0, payload } as const;

test("a call for which a lane has no room is not sent, and its shard is told when there is room", () => {
  const link = new TestLink();
  const outboxes = outboxesOver(link);
  assert.equal(outboxes.sendRequest("b", request), "sent");
  outboxes.flushData();
  link.queued = 1_000;
  assert.equal(outboxes.sendRequest("b", request), "full");
  outboxes.flushData();
  assert.deepEqual([link.sent.length, link.asked], [1, 1]);
});

test("answers for which a lane has no room wait, are counted, and leave in their order", () => {
  const link = new TestLink();
  const outboxes = outboxesOver(link);
  link.queued = 1_000;
  for (const id of [1, 2, 3]) outboxes.sendResponse("b", { ...response, id });
  outboxes.flushData();
  assert.deepEqual([link.sent.length, outboxes.heldBytes], [0, 300]);
  link.queued = 990;
  outboxes.sendResponse("b", { ...response, id: 4 });
  outboxes.flushData();
  assert.deepEqual(
    link.sent.map((message) => "id" in message && message.id),
    [1],
  );
  link.queued = 0;
  outboxes.flushData();
  assert.deepEqual(
    link.sent.map((message) => "id" in message && message.id),
    [1, 2, 3, 4],
  );
  assert.equal(outboxes.heldBytes, 0);
  link.queued = 1_000;
  outboxes.sendResponse("b", { ...response, id: 5 });
  outboxes.drop(link);
  assert.equal(outboxes.heldBytes, 0);
});

test("answers for a node that takes none are lost once too much of them waits", () => {
  const link = new TestLink();
  const outboxes = outboxesOver(link);
  link.queued = 1_000;
  for (let id = 1; id <= 100; id += 1) outboxes.sendResponse("b", { ...response, id });
  assert.equal(outboxes.heldBytes, 1_000);
  link.queued = 0;
  outboxes.flushData();
  outboxes.flushData();
  assert.equal(outboxes.heldBytes, 0);
  outboxes.sendResponse("b", { ...response, id: 101 });
  outboxes.flushData();
  const ids = link.sent.map((message) => "id" in message && message.id);
  assert.deepEqual(ids, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 101]);
});

test("a lane has an equal part of what all may hold, and old entries wait until it is nearly empty", () => {
  const link = new TestLink();
  const outboxes = new Outboxes(
    { link: () => link },
    { lane: 16_777_216, lanes: 20_000_000, held: 1_000 },
  );
  assert.equal(outboxes.takesEntries("b", 1, true), true);
  link.queued = 2_000_000;
  assert.equal(outboxes.takesEntries("b", 1, true), false, "calls do not wait behind old entries");
  assert.equal(outboxes.takesEntries("b", 1, false), true);
  const other = new TestLink();
  const links = [link, other];
  const shared = new Outboxes(
    { link: (_, group) => links[group] },
    { lane: 16_777_216, lanes: 3_000_000, held: 1_000 },
  );
  assert.deepEqual(
    [0, 1].map((group) => shared.takesEntries("b", group, false)),
    [true, true],
  );
  assert.deepEqual(
    [0, 1].map((group) => shared.takesEntries("b", group, false)),
    [false, true],
  );
});

test("groups that wait for a lane that is never empty are called when it has room", () => {
  const link = new TestLink();
  const outboxes = outboxesOver(link);
  link.queued = 1_000;
  for (const group of [1, 2]) assert.equal(outboxes.takesEntries("b", group, true), false);
  assert.deepEqual(outboxes.callWhereRoom(), [], "there is no room");
  link.queued = 400;
  assert.deepEqual(outboxes.callWhereRoom(), [1, 2]);
  for (const group of [1, 2]) assert.equal(outboxes.takesEntries("b", group, true), true);
  assert.deepEqual(outboxes.callWhereRoom(), [], "nobody waits");
});

test("calls and answers that never end leave a lane to the groups that wait for it in between", () => {
  const link = new TestLink();
  const outboxes = outboxesOver(link);
  const call = (): string => {
    const outcome = outboxes.sendRequest("b", request);
    outboxes.flushData();
    return outcome;
  };
  link.queued = 1_000;
  assert.ok(!outboxes.takesEntries("b", 1, false));
  // There is room for them, and not enough for group 1 to be called.
  link.queued = 600;
  assert.deepEqual(outboxes.callWhereRoom(), []);
  assert.deepEqual([call(), call(), call(), call()], ["sent", "sent", "sent", "full"]);
  outboxes.sendResponse("b", { ...response, id: 1 });
  outboxes.flushData();
  assert.equal(outboxes.heldBytes, payload.length, "answers wait, too");
  link.queued = 400;
  assert.deepEqual(outboxes.callWhereRoom(), [1]);
  outboxes.flushData();
  assert.equal(outboxes.heldBytes, 0, "they had their turn first");
  assert.ok(outboxes.takesEntries("b", 1, false));
  // Nobody waits any more.
  assert.deepEqual([call(), call(), call(), call()], ["sent", "sent", "sent", "sent"]);
});

test("groups that a lane had no room for take turns, those that waited longest first", () => {
  const turns = new LaneTurns();
  assert.equal(turns.admits(1, true), true);
  for (const group of [1, 2, 3, 4]) assert.equal(turns.admits(group, false), false);
  const served: number[] = [];
  for (let drained = 0; drained < 6; drained += 1) {
    let room = 2;
    for (const group of turns.call()) {
      if (!turns.admits(group, room > 0)) continue;
      served.push(group);
      room -= 1;
      // Its acknowledgement is there before the others have had their turn.
      assert.equal(turns.admits(group, room > 0), false);
    }
    turns.endTurn();
  }
  assert.deepEqual(served, [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
});

test("a group that was refused for the sake of others that send nothing is called again", () => {
  const link = new TestLink();
  const outboxes = outboxesOver(link);
  assert.ok(outboxes.takesEntries("b", 1, false));
  link.queued = 1_000;
  assert.ok(!outboxes.takesEntries("b", 2, false));
  assert.deepEqual(outboxes.endRound(), [], "the end of the write calls it");
  link.queued = 0;
  assert.deepEqual(outboxes.callWaiting(link), [2]);
  // It is group 2's turn, which has nothing to send any more, since it leads no longer.
  assert.ok(!outboxes.takesEntries("b", 3, false));
  assert.deepEqual(outboxes.endRound(), [link], "nothing is written whose end could call group 3");
  assert.deepEqual(outboxes.callWaiting(link), [3]);
  assert.ok(outboxes.takesEntries("b", 3, false));
  assert.deepEqual(outboxes.endRound(), []);
  assert.ok(outboxes.takesEntries("b", 1, false));
});
