/** RaftLog and TermRuns against a plain array with one entry a slot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Prng } from "../../src/base/index.ts";
import { blockKind, decodeEntries, encodeEntries, lastIndexOf } from "../../src/raft/index.ts";

import type { Block, PersistMark, TailTotal } from "../../src/raft/index.ts";
import { RaftLog } from "../../src/raft/log/raft-log.ts";
import { TermRuns } from "../../src/raft/log/term-runs.ts";
import { SimulatedDisk, checksumOf } from "../datadriven/simulated-disk.ts";
import { firstSeed, howToRepeat, repeatable } from "./raft-repeat.ts";

interface Entry {
  readonly term: number;
  readonly text: string;
  /** Counts the blocks: entries that were appended together have the same. */
  readonly block: number;
}

/** Does to a log and to an array the same things, as a follower of changing leaders would. */
class LogRun {
  private readonly random: Prng;
  /** Then the size of what was cut in two afterwards is not known, and counts whole. */
  private readonly evictsDurable: boolean;
  private readonly disk: SimulatedDisk = new SimulatedDisk();
  private readonly tails: TailTotal = { bytes: 0 };
  private readonly log: RaftLog;
  private readonly model: Entry[] = [];
  private readonly marks: PersistMark[] = [];
  private readonly applied: string[] = [];
  private term = 1;
  private counter = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
    this.evictsDurable = seed % 2 === 1;
    const { disk: reader, tails } = this;
    const origin = { lastIndex: 0, terms: [], committed: 0 };
    this.log = new RaftLog(origin, { reader, checksum: checksumOf, tails });
  }

  step(): void {
    const { log, random } = this;
    const dice = random.between(0, 11);
    if (dice < 3) this.append();
    else if (dice === 3) this.truncate();
    else if (dice < 6) this.hand();
    else if (dice === 6) this.persist();
    else if (dice === 7) log.committed = random.between(log.committed, log.lastIndex + 1);
    else if (dice === 8) this.apply();
    else if (dice === 9 && this.evictsDurable) log.evictDurable();
    else log.evict(random.between(0, log.lastIndex + 1), random.between(0, 100));
    this.compare();
  }

  private append(): void {
    if (this.random.chance(0.3)) this.term += 1;
    const count = this.random.between(1, 4);
    const texts = Array.from({ length: count }, () => {
      this.counter += 1;
      return `e${this.counter}`;
    });
    const bytes = encodeEntries(texts.map((text) => Buffer.from(text)));
    const { term } = this;
    this.log.append({
      first: this.log.lastIndex + 1,
      term,
      kind: blockKind.command,
      count,
      timeMs: 0,
      checksum: checksumOf(bytes),
      bytes,
    });
    const block = this.counter;
    for (const text of texts) this.model.push({ term, text, block });
  }

  private truncate(): void {
    const { log, random } = this;
    if (log.committed === log.lastIndex) return;
    const index = random.between(log.committed + 1, log.lastIndex + 1);
    this.term += 1;
    log.truncate(index, this.term);
    this.model.length = index - 1;
    this.append();
  }

  /** Whole blocks of which some entry is not committed. */
  private uncommittedBytes(): number {
    const waiting = new Set(this.model.slice(this.log.committed).map(({ block }) => block));
    const entries = this.model.filter(({ block }) => waiting.has(block));
    return entries.reduce((sum, { text }) => sum + 1 + text.length, 0);
  }

  private hand(): void {
    const blocks = this.log.takeUnhanded(Number.POSITIVE_INFINITY);
    if (blocks.length > 0) this.disk.write({ ballot: undefined, commit: 0, blocks });
    const { handed, lastTerm } = this.log;
    assert.equal(handed, this.log.lastIndex);
    this.marks.push({ lastIndex: handed, lastTerm, term: this.term });
  }

  private persist(): void {
    const mark = this.marks.shift();
    if (mark !== undefined) this.log.stableTo(mark);
  }

  private apply(): void {
    for (const block of this.log.nextCommitted(this.random.between(1, 60))) {
      this.applied.push(...textsOf([block]));
      this.log.applied = lastIndexOf(block);
    }
  }

  private compare(): void {
    const { log, model } = this;
    assert.equal(log.lastIndex, model.length);
    assert.equal(log.lastTerm, model.at(-1)?.term ?? 0);
    assert.ok(log.stable <= log.handed && log.handed <= log.lastIndex);
    for (let index = 1; index <= model.length; index += 1) {
      assert.equal(log.termAt(index), model[index - 1]?.term);
    }
    assert.equal(log.termAt(0), 0);
    const uncommitted = this.uncommittedBytes();
    if (this.evictsDurable) assert.ok(log.uncommittedBytes() >= uncommitted);
    else assert.equal(log.uncommittedBytes(), uncommitted);
    if (log.committed === log.lastIndex) assert.equal(log.uncommittedBytes(), 0);
    assert.equal(this.tails.bytes, log.tailBytes);
    assert.equal(log.termAt(model.length + 1), undefined);
    assert.deepEqual(
      this.applied,
      model.slice(0, this.applied.length).map(({ text }) => text),
    );
    if (model.length === 0) return;
    const from = this.random.between(1, model.length + 1);
    const bytesMax = this.random.between(1, 80);
    const blocks = log.blocksFrom(from, bytesMax);
    assert.equal(blocks[0]?.first, from);
    const texts = textsOf(blocks);
    assert.ok(texts.length > 0);
    assert.deepEqual(
      texts,
      model.slice(from - 1, from - 1 + texts.length).map(({ text }) => text),
    );
    for (const block of blocks) assert.equal(block.checksum, checksumOf(block.bytes));
  }
}

function textsOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) =>
    decodeEntries(block).map((bytes) => Buffer.from(bytes).toString()),
  );
}

test("RaftLog reads, cuts, persists and evicts like a plain array", (t) => {
  t.diagnostic(howToRepeat(firstSeed, "property/raft-log"));
  for (let seed = firstSeed; seed < firstSeed + 300; seed += 1) {
    try {
      const run = new LogRun(seed);
      for (let step = 0; step < 150; step += 1) run.step();
    } catch (error) {
      const fault = error instanceof Error ? error.stack : String(error);
      throw new Error(`${howToRepeat(seed, "property/raft-log")}\n${fault}`, { cause: error });
    }
  }
});

const rises = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 30 });

test("TermRuns answers like an array of terms", () => {
  fc.assert(
    fc.property(rises, fc.nat(31), fc.nat(40), (steps, cut, asked) => {
      const runs = new TermRuns();
      const terms: number[] = [];
      let term = 1;
      for (const [at, rise] of steps.entries()) {
        term += rise;
        runs.append(at + 1, term);
        terms.push(term);
      }
      runs.truncate(cut + 1);
      terms.length = Math.min(terms.length, cut);
      for (let index = 1; index <= terms.length; index += 1) {
        assert.equal(runs.termAt(index), terms[index - 1]);
        const next = terms.findIndex((other, at) => at >= index && other !== terms[index - 1]);
        assert.equal(runs.runEnd(index, terms.length), next === -1 ? terms.length : next);
        const below = terms.slice(0, index).findLastIndex((other) => other <= asked) + 1;
        assert.equal(runs.lastAtMost(index, asked, 0), below);
        assert.equal(runs.lastAtMost(index, asked, 2), Math.max(below, 2));
      }
      assert.equal(runs.termAt(0), 0);
      const again = new TermRuns(runs.toArray());
      assert.deepEqual(again.toArray(), runs.toArray());
    }),
    repeatable(500),
  );
});

test("a log of 300,000 terms is built, asked, cut and built again in linear time", () => {
  // Copying all runs for each new one would move 1.4 TB.
  const count = 300_000;
  const runs = new TermRuns();
  for (let index = 1; index <= count; index += 1) runs.append(index * 2 - 1, index * 3);
  // Walking the runs for each question would take 10^11 steps.
  for (let index = 1; index <= count; index += 1) {
    assert.equal(runs.termAt(index * 2), index * 3);
    assert.equal(runs.runEnd(index * 2 - 1, count * 2), index * 2);
    assert.equal(runs.lastAtMost(count * 2, index * 3 + 1, 0), index * 2);
  }
  const again = new TermRuns(runs.toArray());
  for (let index = count; index > 1; index -= 1) {
    again.truncate(index * 2 - 1);
    again.append(index * 2 - 1, index * 3 + 1);
    again.truncate(index * 2 - 1);
  }
  assert.deepEqual(again.toArray(), [{ first: 1, term: 3 }]);
});
