import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeEntries } from "../../../src/raft/index.ts";
import { MailReader, MailWriter } from "../../../src/shard/index.ts";
import { limits } from "../../../src/base/index.ts";
import { crc32c } from "../../../src/wire/index.ts";

interface Letter {
  readonly kind: number;
  readonly words: readonly number[];
  readonly double: number;
  readonly block: Uint8Array;
  readonly entries: readonly Uint8Array[];
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.integer({ min: 0, max: 70_000 }).map((length) => new Uint8Array(length).fill(7)),
);
const letter: fc.Arbitrary<Letter> = fc.record(
  {
    kind: fc.integer({ min: 1, max: 5 }),
    words: fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 6 }),
    double: fc.oneof(fc.maxSafeInteger(), fc.double()),
    block: bytes,
    entries: fc.array(bytes, { minLength: 1, maxLength: 8 }),
  },
  { noNullPrototype: true },
);

function write(writer: MailWriter, { kind, words, double, block, entries }: Letter): void {
  const stored = entries.reduce((sum, entry) => sum + entry.length + 5, 0);
  writer.begin(kind, block.length + stored);
  writer.word(words.length);
  for (const word of words) writer.word(word);
  writer.double(double);
  writer.block(block);
  writer.entries(entries);
}

function readAll(mail: ArrayBuffer): Letter[] {
  const reader = new MailReader(mail);
  const letters: Letter[] = [];
  while (!reader.done) {
    const kind = reader.word();
    const words = Array.from({ length: reader.word() }, () => reader.word());
    const double = reader.double();
    reader.block();
    const block = reader.copy();
    reader.block();
    const stored = reader.view();
    const head = { first: 1, term: 1, kind: 0, count: 1, timeMs: 0 } as const;
    const entries = decodeEntries({ ...head, checksum: crc32c(stored), bytes: stored });
    letters.push({ kind, words, double, block, entries: entries.map((entry) => entry.slice()) });
  }
  return letters;
}

test("mail arrives as it was written, in any number of turns and sizes", () => {
  fc.assert(
    fc.property(fc.array(fc.array(letter, { maxLength: 6 }), { maxLength: 4 }), (turns) => {
      const writer = new MailWriter();
      for (const letters of turns) {
        for (const each of letters) write(writer, each);
        assert.equal(writer.count, letters.length);
        const mail = writer.take();
        assert.equal(writer.count, 0);
        assert.equal(writer.size, 0);
        assert.deepEqual(readAll(mail), letters);
      }
    }),
    { numRuns: 60 },
  );
});

test("an empty piece of mail has no records, and a transferred one leaves the writer usable", () => {
  const writer = new MailWriter();
  assert.ok(new MailReader(writer.take()).done);
  writer.begin(1, 0);
  writer.word(7);
  const mail = structuredClone(writer.take(), { transfer: [] });
  const reader = new MailReader(mail);
  assert.deepEqual([reader.word(), reader.word(), reader.done], [1, 7, true]);
});

test("results of one record come back with their lengths and whether they failed", () => {
  const results = fc.array(fc.record({ value: bytes, failed: fc.boolean() }), { maxLength: 20 });
  fc.assert(
    fc.property(results, (written) => {
      const writer = new MailWriter();
      writer.begin(1, 0);
      const hole = writer.hole();
      for (const { value, failed } of written) {
        writer.reserve(value.length + 8);
        writer.result(value, failed);
      }
      writer.fill(hole, written.length);
      const reader = new MailReader(writer.take());
      reader.word();
      const read = Array.from({ length: reader.word() }, () => {
        const failed = reader.result();
        return { value: reader.copy(), failed };
      });
      assert.deepEqual(
        read,
        written.map(({ value, failed }) => ({ value, failed })),
      );
      assert.ok(reader.done);
    }),
    { numRuns: 50 },
  );
});

test("an allocation that fails leaves mail whole, and its writer usable", () => {
  const writer = new MailWriter();
  writer.begin(1, 0);
  writer.word(7);
  assert.throws(() => writer.begin(2, 2 ** 52), RangeError);
  assert.equal(writer.count, 1);
  for (let call = 0; call < 2_000; call += 1) {
    writer.begin(3, 16);
    writer.word(call);
    writer.block(new Uint8Array(16));
  }
  const mail = writer.take();
  const reader = new MailReader(mail);
  assert.deepEqual([reader.word(), reader.word()], [1, 7]);
  for (let call = 0; call < 2_000; call += 1) {
    assert.deepEqual([reader.word(), reader.word()], [3, call]);
    reader.block();
    assert.ok(reader.end <= mail.byteLength);
  }
  assert.ok(reader.done);
});

test("mail is full after some megabytes, and its buffer is no larger than its last record needs", () => {
  const writer = new MailWriter();
  const command = new Uint8Array(1_048_576);
  while (!writer.full) {
    writer.begin(1, command.length);
    writer.block(command);
  }
  assert.ok(writer.size <= limits.mailBytesMax + command.length + 64);
  assert.ok(writer.take().byteLength <= 2 * limits.mailBytesMax);
});
