import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { InHand, newHandMemory, workInHand } from "../../../src/shard/in-hand.ts";
import type { CreateStateMachine, Entry, StateMachine } from "../../../src/shard/index.ts";
import { Pursuit, watchMachines } from "../../../src/shard/watched-machine.ts";

const nothing = new Uint8Array(0);

function entryAt(index: number): Entry {
  return { bytes: nothing, start: 0, end: 0, command: nothing, index, term: 1, timeMs: 0 };
}

/** Machines that tell of each of their calls. */
function telling(tell: (group: number) => void): CreateStateMachine {
  return ({ group }) => {
    const told = (): undefined => {
      tell(group);
    };
    told();
    return {
      apply: told,
      query: told,
      digest: () => String(told()),
      onRole: told,
      close: told,
    };
  };
}

/** Every call of a machine, in the order of `machineCalls`. */
function callAll(inHand: InHand, create: CreateStateMachine, group: number): void {
  inHand.take(group);
  const machine = create({ group, node: "a" });
  machine.apply(entryAt(7));
  machine.query(nothing);
  machine.digest?.();
  machine.onRole?.("leader", 1);
  machine.close?.();
  inHand.release();
}

test("the memory says which group is in hand, from the smallest number to the largest", () => {
  const memory = newHandMemory();
  const inHand = new InHand(memory);
  assert.equal(workInHand(memory), undefined);
  for (const group of [0, 1, 4_294_967_295]) {
    inHand.take(group);
    assert.deepEqual(workInHand(memory), { group, work: undefined, later: false });
  }
  inHand.release();
  assert.equal(workInHand(memory), undefined);
});

test("a watched machine's calls are noted with the command's index, another one's are not", () => {
  const memory = newHandMemory();
  const inHand = new InHand(memory);
  const seen: unknown[] = [];
  const create = watchMachines(
    telling(() => seen.push(workInHand(memory)?.work)),
    inHand,
    [3],
  );
  callAll(inHand, create, 3);
  const noted = [
    ["createStateMachine", 0],
    ["apply", 7],
    ["query", 0],
    ["digest", 0],
    ["onRole", 0],
    ["close", 0],
  ].map(([call, index]) => ({ group: 3, call, index }));
  assert.deepEqual(seen.splice(0), noted);
  callAll(inHand, create, 4);
  assert.deepEqual(seen, [undefined, undefined, undefined, undefined, undefined, undefined]);
});

test("a watched machine without a digest has none", () => {
  const inHand = new InHand();
  const bare: StateMachine = { apply: () => nothing, query: () => nothing };
  const context = { group: 3, node: "a" };
  const watched = watchMachines(() => bare, inHand, [3])(context);
  assert.ok(!("digest" in watched));
});

test("work in hand that is another group's says nothing of the machine that was watched", () => {
  const memory = newHandMemory();
  const inHand = new InHand(memory);
  inHand.begin({ group: 3, call: "apply", index: 7 });
  inHand.take(4);
  assert.deepEqual(workInHand(memory), { group: 4, work: undefined, later: false });
});

test("a pursuit blames the command that has left behind what ends the thread, and no other", async () => {
  const memory = newHandMemory();
  const inHand = new InHand(memory);
  const pursuit = new Pursuit(inHand);
  const blamed: unknown[] = [];
  const endThread = (): void => {
    pursuit.onThreadEnd();
    blamed.push(workInHand(memory));
    inHand.release();
    inHand.end();
  };
  const create = pursuit.watch(({ group }) => ({
    apply: () => {
      if (group === 3) setImmediate(endThread);
      return nothing;
    },
    query: () => nothing,
  }));
  for (const group of [3, 4]) create({ group, node: "a" }).apply(entryAt(group * 10));
  await nextTurn();
  const work = { group: 3, call: "apply", index: 30 };
  assert.deepEqual(blamed, [{ group: 3, work, later: true }]);
  endThread();
  assert.equal(blamed[1], undefined, "it was nobody's");
  create({ group: 3, node: "a" }).apply(entryAt(40));
  pursuit.end();
  await nextTurn();
  assert.equal(blamed[2], undefined, "it costs nothing any more");
});

test("a pursuit leaves the group alone that is at work when the thread ends", () => {
  const memory = newHandMemory();
  const inHand = new InHand(memory);
  const pursuit = new Pursuit(inHand);
  const create = pursuit.watch(({ group }) => ({
    apply: () => {
      inHand.take(group + 1);
      pursuit.onThreadEnd();
      return nothing;
    },
    query: () => nothing,
  }));
  create({ group: 3, node: "a" }).apply(entryAt(1));
  assert.equal(workInHand(memory)?.group, 4);
});
