import assert from "node:assert/strict";
import { test } from "node:test";
import { CrashHistory } from "../../../src/engine/crash-history.ts";
import type { WorkInHand } from "../../../src/shard/index.ts";

const cause = new Error("gone");
const minuteMs = 60_000;

/** A shard's history under a clock of the test. */
class Life {
  nowMs = 0;
  readonly history: CrashHistory = new CrashHistory(() => this.nowMs);

  /** Up for a while, and then it crashes. */
  crash(hand: WorkInHand | undefined, upMs: number): void {
    this.history.up();
    this.nowMs += upMs;
    this.history.note({ hand, cause });
  }

  get held(): number[] {
    return this.history.held.map(({ group }) => group);
  }
}

function atWork(group: number, index?: number): WorkInHand {
  const work = index === undefined ? undefined : { group, call: "apply" as const, index };
  return { group, work, later: false };
}

test("a group is held after the second crash in a row at work for it, whatever others did between", () => {
  const life = new Life();
  life.crash(atWork(1), minuteMs);
  assert.deepEqual(life.held, [], "one accident holds no group");
  assert.deepEqual(life.history.watched, { kind: "groups", groups: [1] });
  life.crash(atWork(2), minuteMs);
  assert.deepEqual(life.held, []);
  life.crash(atWork(1, 7), minuteMs);
  assert.deepEqual(life.held, [1]);
  assert.ok(life.history.holds(1) && !life.history.holds(2));
  life.crash(atWork(2, 8), minuteMs);
  assert.deepEqual(life.held, [1, 2], "the first stays held");
  assert.match(life.history.held[0]?.reason ?? "", /ended 2 times in a row .*index 7: gone/);
});

test("crashes long after their group's start are not in a row, but for the same command", () => {
  const life = new Life();
  life.crash(atWork(1, 7), minuteMs);
  life.crash(atWork(1, 9), 11 * minuteMs);
  assert.deepEqual(life.held, []);
  life.crash(atWork(1, 9), 11 * minuteMs);
  assert.deepEqual(life.held, [1], "its replay takes so long");
});

test("a held group that is started runs, and one more crash holds it again", () => {
  const life = new Life();
  life.crash(atWork(1), 0);
  life.crash(atWork(1), 0);
  life.history.up();
  life.nowMs += 100 * minuteMs;
  life.history.started(1);
  assert.deepEqual(life.held, []);
  life.nowMs += minuteMs;
  life.history.note({ hand: atWork(1), cause });
  assert.deepEqual(life.held, [1], "though its shard had been up for long");
  life.history.removed(1);
  assert.deepEqual(life.held, []);
});

test("a crash at work for no group has all machines watched, until the shard has been up for long", () => {
  const life = new Life();
  assert.deepEqual(life.history.watched, { kind: "groups", groups: [] });
  life.crash(undefined, minuteMs);
  assert.ok(life.history.watchesAll);
  assert.equal(life.history.watched.kind, "all");
  life.crash(atWork(1), minuteMs);
  assert.ok(life.history.watchesAll, "the next worker must find out who it was");
  life.crash(atWork(2), 11 * minuteMs);
  assert.ok(!life.history.watchesAll);
  assert.deepEqual(life.held, []);
});

test("the reason of a held group says where its code ended the worker", () => {
  const works: readonly [WorkInHand, RegExp][] = [
    [atWork(1), /outside of its state machine, or in a call that was not noted: gone/],
    [{ group: 1, work: { group: 1, call: "query", index: 0 }, later: false }, /in query\(\): gone/],
    [
      { group: 1, work: { group: 1, call: "apply", index: 4 }, later: true },
      /in a timer, promise or callback that its command at index 4 has left behind: gone/,
    ],
  ];
  for (const [hand, expected] of works) {
    const life = new Life();
    life.crash(hand, 0);
    life.crash(hand, 0);
    assert.match(life.history.held[0]?.reason ?? "", expected);
  }
});
