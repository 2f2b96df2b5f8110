/**
 * A store agrees with a plain map of lists over any sequence of commits, reads, restarts, removals
 * and creations.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lastIndexOf } from "../../src/raft/index.ts";
import type { CommitBatch, GroupChange, LogStore, RecoveredGroup } from "../../src/log/index.ts";
import { decodeEntries } from "../../src/raft/index.ts";
import { makeBlock } from "../../src/testing/index.ts";
import type { StorePlace } from "../../src/testing/index.ts";
import { lmdbPlace, memoryPlace, segmentPlace } from "../fixtures/store-places.ts";

interface ModelEntry {
  readonly term: number;
  readonly text: string;
}

interface ModelGroup {
  term: number;
  vote: string | undefined;
  commit: number;
  entries: ModelEntry[];
}

type Model = Map<number, ModelGroup>;

/** What a commit does to one group; numbers are relative, so that every step fits every state. */
const touch = fc.record({
  group: fc.nat(4),
  act: fc.constantFrom("append", "append", "append", "ballot", "remove", "recreate"),
  /** How many of the last entries the first block replaces. */
  back: fc.nat(6),
  /** Entries of each block. */
  blocks: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
  termStep: fc.nat(2),
  commitShare: fc.nat(4),
  size: fc.constantFrom(0, 10, 200, 5_000),
});
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("commit"), touches: fc.array(touch) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("read"),
      group: fc.nat(4),
      from: fc.nat(30),
      bytesMax: fc.nat(3_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen") }) },
);

type Touch = typeof touch extends fc.Arbitrary<infer T> ? T : never;
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Turns touches into a batch, and does to the model what the batch must do to the store. */
function commitOf(model: Model, touches: readonly Touch[]): CommitBatch {
  const changes: GroupChange[] = [];
  const descriptors: CommitBatch["descriptors"][number][] = [];
  const removed: number[] = [];
  const touched = new Set<number>();
  for (const one of touches) {
    const { group, act } = one;
    if (touched.has(group)) continue;
    touched.add(group);
    if (act === "remove" || act === "recreate") {
      model.delete(group);
      removed.push(group);
      if (act === "remove") continue;
    }
    let state = model.get(group);
    if (state === undefined) {
      state = { term: 0, vote: undefined, commit: 0, entries: [] };
      model.set(group, state);
      descriptors.push({ group, members: [], state: "stopped", reason: `${group}` });
    }
    changes.push(changeOf(state, one));
  }
  return { changes, descriptors, removed };
}

function changeOf(state: ModelGroup, one: Touch): GroupChange {
  const { group, act, back, blocks: counts, termStep, commitShare, size } = one;
  const hasBallot = act === "ballot" || termStep > 0;
  state.term += termStep;
  if (hasBallot) state.vote = back % 2 === 0 ? undefined : "n";
  if (counts.length > 0) {
    state.entries.length = Math.max(state.commit, state.entries.length - back);
  }
  const blocks = counts.map((count) => {
    const first = state.entries.length + 1;
    const texts = Array.from({ length: count }, (_, at) => `${first + at}/${state.term}`);
    for (const text of texts) {
      state.entries.push({ term: state.term, text: text.padEnd(size, ".") });
    }
    return makeBlock(
      first,
      state.term,
      texts.map((text) => Buffer.from(text.padEnd(size, "."))),
    );
  });
  const open = state.entries.length - state.commit;
  state.commit += Math.floor((open * commitShare) / 4);
  const ballot = hasBallot ? { term: state.term, vote: state.vote } : undefined;
  return { group, commit: state.commit, ballot, blocks };
}

function checkRecovered(model: Model, recovered: readonly RecoveredGroup[]): void {
  const expected = [...model]
    .sort(([a], [b]) => a - b)
    .map(([group, { term, vote, commit, entries }]) => ({
      descriptor: { group, members: [], state: "stopped", reason: `${group}` },
      ballot: { term, vote },
      commit,
      damage: undefined,
      lastIndex: entries.length,
      terms: entries.flatMap((entry, at) =>
        entry.term === entries[at - 1]?.term ? [] : [{ first: at + 1, term: entry.term }],
      ),
    }));
  assert.deepEqual(recovered, expected);
}

function checkRead(store: LogStore, model: Model, range: Extract<Step, { from: number }>): void {
  const { group, from, bytesMax } = range;
  const entries = model.get(group)?.entries ?? [];
  const blocks = store.read(group, from, bytesMax);
  const exists = from >= 1 && from <= entries.length;
  assert.equal(blocks.length > 0, exists, "a block where there is one");
  let next = from;
  let bytes = 0;
  for (const block of blocks) {
    assert.equal(block.first, next);
    const found = decodeEntries(block).map((entry) => ({
      term: block.term,
      text: Buffer.from(entry).toString(),
    }));
    assert.deepEqual(found, entries.slice(next - 1, lastIndexOf(block)));
    next = lastIndexOf(block) + 1;
    bytes += block.bytes.length;
  }
  assert.ok(blocks.length < 2 || bytes <= bytesMax);
}

async function runSteps(place: StorePlace, steps: readonly Step[]): Promise<void> {
  const model: Model = new Map();
  let store = place.store();
  checkRecovered(model, await store.open());
  const last: Step = { kind: "reopen" };
  for (const one of [...steps, last]) {
    if ("touches" in one) await store.commit(commitOf(model, one.touches));
    else if ("from" in one) checkRead(store, model, one);
    else {
      await store.close();
      store = place.store();
      checkRecovered(model, await store.open());
      for (const [group, { entries }] of model) {
        for (const from of [1, entries.length]) {
          checkRead(store, model, { kind: "read", group, from, bytesMax: 100_000 });
        }
      }
    }
  }
  await store.close();
}

const runs = [
  ["MemoryStore", memoryPlace, 300],
  ["LmdbStore, strict", () => lmdbPlace("strict"), 25],
  ["LmdbStore, pipelined", () => lmdbPlace("pipelined"), 25],
  ["SegmentStore, strict", () => segmentPlace("strict"), 25],
] as const;

for (const [name, createPlace, numRuns] of runs) {
  test(`${name} agrees with a map of lists over any sequence of steps`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const place = await createPlace();
        try {
          await runSteps(place, steps);
        } finally {
          await place.remove();
        }
      }),
      { numRuns },
    );
  });
}
