import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RaftError } from "../../../src/base/index.ts";
import type { CallKind } from "../../../src/engine/call-effects.ts";
import { CallTable } from "../../../src/engine/call-table.ts";
import type { Proposed } from "../../../src/engine/call-table.ts";

interface Record {
  readonly slot: number;
  readonly settled: unknown[];
}

function open(table: CallTable, what: CallKind = "proposal", deadlineMs = 100): Record {
  const settled: unknown[] = [];
  const keep = (value: unknown): number => settled.push(value);
  const slot = table.open({ group: 1, deadlineMs, what, bytes: 10 }, keep, keep);
  return { slot, settled };
}

function proposed(index: number): Proposed {
  return { index, value: new Uint8Array(0) };
}

const busy = { code: "ERR_BUSY", outcome: "none" };
const error = new RaftError("ERR_NOT_LEADER", "no");

test("CallTable gives no slot 0 and refuses calls beyond its bound", () => {
  const table = new CallTable({ callsMax: 2, bytesMax: 1_000 });
  const calls = [open(table), open(table)];
  assert.deepEqual(
    calls.map(({ slot }) => slot),
    [1, 2],
  );
  assert.throws(() => open(table), busy);
  table.succeed(1, "done");
  assert.equal(open(table).slot, 1);
  assert.equal(table.count, 2);
});

test("CallTable keeps the slot of an abandoned call until its answer, which settles nobody", () => {
  const table = new CallTable({ callsMax: 2, bytesMax: 1_000 });
  const call = open(table);
  table.abandon(call.slot, error);
  assert.deepEqual(call.settled, [error]);
  assert.equal(table.count, 1);
  const next = open(table);
  assert.notEqual(next.slot, call.slot);
  assert.throws(() => open(table), busy, "an abandoned call still counts");
  table.applied(call.slot, proposed(5));
  assert.deepEqual(call.settled, [error], "the late answer is nobody's");
  const third = open(table);
  assert.equal(third.slot, call.slot, "now the slot is free");
  assert.deepEqual(third.settled, []);
  table.abandon(call.slot + 10, error);
});

test("CallTable.abandon() of a call that is answered does nothing", () => {
  const table = new CallTable({ callsMax: 2, bytesMax: 1_000 });
  const call = open(table);
  table.succeed(call.slot, "done");
  table.abandon(call.slot, error);
  assert.deepEqual(call.settled, ["done"]);
  assert.equal(table.count, 0);
});

test("CallTable answers a batch when its last result is there, with all of them in order", () => {
  const table = new CallTable({ callsMax: 2, bytesMax: 1_000 });
  const batch = open(table);
  table.expectBatch(batch.slot, 3);
  const failed = new RaftError("ERR_APPLY_FAILED", "poison");
  const results = [proposed(1), failed, proposed(3)];
  for (const [at, result] of results.entries()) {
    assert.deepEqual(batch.settled, [], `after ${at} results`);
    table.applied(batch.slot, result);
  }
  assert.deepEqual(batch.settled, [results]);
  assert.equal(table.count, 0);
});

test("CallTable fails a batch as a whole, however many results it has, and forgets them", () => {
  const table = new CallTable({ callsMax: 1, bytesMax: 1_000 });
  const batch = open(table);
  table.expectBatch(batch.slot, 3);
  table.applied(batch.slot, proposed(1));
  table.fail(batch.slot, error);
  assert.deepEqual(batch.settled, [error]);
  const single = open(table);
  table.applied(single.slot, proposed(9));
  assert.deepEqual(single.settled, [proposed(9)], "the next call of the slot is no batch");
});

test("CallTable keeps the slot of an abandoned batch until its last result", () => {
  const table = new CallTable({ callsMax: 1, bytesMax: 1_000 });
  const batch = open(table);
  table.expectBatch(batch.slot, 2);
  table.applied(batch.slot, proposed(1));
  table.abandon(batch.slot, error);
  assert.throws(() => open(table), busy);
  table.applied(batch.slot, proposed(2));
  assert.equal(table.count, 0);
  assert.deepEqual(batch.settled, [error]);
});

test("CallTable.sweep() gives up what is past its deadline: writes unknown, reads none", () => {
  const table = new CallTable({ callsMax: 3, bytesMax: 1_000 });
  const write = open(table, "proposal", 100);
  const read = open(table, "read", 100);
  const later = open(table, "proposal", 101);
  table.sweep(100);
  const outcomes = [write, read].map(({ settled: [first] }) => {
    assert.ok(first instanceof RaftError && first.code === "ERR_TIMEOUT");
    assert.match(first.message, /of group 1 was not answered before its deadline/);
    return first.outcome;
  });
  assert.deepEqual(outcomes, ["unknown", "none"]);
  assert.deepEqual(later.settled, []);
  table.sweep(200, "; b refused this node");
  assert.match(later.settled.map(String).join(), /deadline; b refused this node$/);
  assert.equal(write.settled.length, 1, "no call is given up twice");
});

test("a call that only reads and is not answered has outcome none, whatever it is called", () => {
  const table = new CallTable({ callsMax: 8, bytesMax: 1_000 });
  const reads = (["read", "status", "stats", "digest"] as const).map((kind) => open(table, kind));
  const writes = (["proposal", "createGroup", "stopGroup"] as const).map((kind) =>
    open(table, kind),
  );
  table.sweep(100);
  const outcomeOf = ({ settled: [error] }: Record): unknown =>
    error instanceof RaftError && error.outcome;
  assert.deepEqual(reads.map(outcomeOf), ["none", "none", "none", "none"]);
  assert.deepEqual(writes.map(outcomeOf), ["unknown", "unknown", "unknown"]);
});

test("CallTable.failAll() fails what waits, frees what was abandoned and leaves an empty table", () => {
  const table = new CallTable({ callsMax: 4, bytesMax: 1_000 });
  const calls = [open(table), open(table, "read"), open(table)];
  const [first, second, third] = calls;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  table.abandon(third.slot, error);
  table.failAll((what) => new RaftError("ERR_SHARD_CRASHED", what));
  assert.equal(table.count, 0);
  assert.match(String(first.settled[0]), /proposal/);
  assert.match(String(second.settled[0]), /read/);
  assert.deepEqual(third.settled, [error]);
});

test("CallTable runs the clean-up of a call once, however it ends", () => {
  const table = new CallTable({ callsMax: 4, bytesMax: 1_000 });
  const endings = [
    (slot: number) => table.succeed(slot, "x"),
    (slot: number) => table.fail(slot, error),
    (slot: number) => {
      table.abandon(slot, error);
      table.succeed(slot, "late");
    },
    () => table.failAll(() => error),
  ];
  for (const end of endings) {
    const call = open(table);
    let cleanups = 0;
    table.onSettled(call.slot, () => {
      cleanups += 1;
    });
    end(call.slot);
    assert.equal(cleanups, 1);
  }
});

test("CallTable refuses a second answer to a call", () => {
  const table = new CallTable({ callsMax: 1, bytesMax: 1_000 });
  const call = open(table);
  table.succeed(call.slot, "x");
  assert.throws(() => table.succeed(call.slot, "y"), /answered once/);
});

test("CallTable settles each call exactly once and never over another, whatever happens in which order", () => {
  const step = fc.record({ act: fc.nat({ max: 4 }), at: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new CallTable({ callsMax: 5, bytesMax: 1_000 });
      const waiting: { call: Record; abandoned: boolean; id: number }[] = [];
      let nextId = 0;
      for (const { act, at } of steps) {
        if (act === 0) {
          if (waiting.length === 5) assert.throws(() => open(table), busy);
          else waiting.push({ call: open(table), abandoned: false, id: (nextId += 1) });
          continue;
        }
        const [entry] = waiting.splice(at % Math.max(waiting.length, 1), 1);
        if (entry === undefined) continue;
        const { call, id } = entry;
        if (act === 1) {
          if (!entry.abandoned) assert.deepEqual(call.settled, []);
          table.abandon(call.slot, error);
          waiting.push({ ...entry, abandoned: true });
        } else if (act === 2) table.fail(call.slot, error);
        else table.succeed(call.slot, id);
        if (act > 2 && !entry.abandoned) assert.deepEqual(call.settled, [id]);
        assert.equal(call.settled.length, 1);
      }
      assert.equal(table.count, waiting.length);
    }),
  );
});

test("CallTable refuses calls while those that wait hold too many bytes, but never an operator's", () => {
  const table = new CallTable({ callsMax: 9, bytesMax: 100 });
  const settled: unknown[] = [];
  const keep = (value: unknown): number => settled.push(value);
  const call = { group: 1, deadlineMs: 100, what: "proposal", bytes: 60 } as const;
  const first = table.open(call, keep, keep);
  const second = table.open(call, keep, keep);
  const refused = { code: "ERR_BUSY", outcome: "none", message: /120 bytes .*shardBytesMax/ };
  assert.throws(() => table.open(call, keep, keep), refused);
  table.open({ group: 1, deadlineMs: 100, what: "stats", bytes: 0, control: true }, keep, keep);
  table.abandon(first, new RaftError("ERR_TIMEOUT", "late"));
  assert.throws(() => table.open(call, keep, keep), refused, "the shard still holds it");
  table.succeed(second, 1);
  assert.notEqual(table.open(call, keep, keep), 0);
});
