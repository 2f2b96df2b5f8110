/**
 * The wire format under random messages and random damage. A failing property prints its seed; `npm test -- --only
 * property/wire --seed N` repeats it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RaftError } from "../../src/base/index.ts";
import {
  FrameDecoder,
  MessageBatch,
  bodyOfFrame,
  crc32c,
  decodeCbor,
  encodeCbor,
  frameHeaderBytes,
  readGreeting,
  readMessages,
  wholeFrame,
} from "../../src/wire/index.ts";
import { arbitrarySent, collect, from, isGroupMessage, to } from "../unit/wire/sample-messages.ts";
import type { Sent } from "../unit/wire/sample-messages.ts";

const arbitraryBatch = fc.array(arbitrarySent, { minLength: 1, maxLength: 12 });

function frameOf(batch: readonly Sent[]): Uint8Array {
  const messages = new MessageBatch();
  for (const sent of batch) {
    if (isGroupMessage(sent)) messages.addMessage(sent.group, sent.incarnation, sent.message);
    else messages.addShardMessage(sent);
  }
  return wholeFrame(messages.take());
}

function receive(chunks: readonly Uint8Array[]): Sent[] {
  const { sent, sink } = collect();
  const decoder = new FrameDecoder();
  for (const chunk of chunks) {
    decoder.push(chunk, (body) => {
      readMessages(body, from, to, sink);
    });
  }
  return sent;
}

/** What `run` returns, or undefined where it refused; anything else that it throws is a fault. */
function refusing<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof RaftError && error.code === "ERR_FRAME_INVALID") return undefined;
    throw error;
  }
}

test("messages come back as they went out, wherever the stream is cut", () => {
  const cuts = fc.array(fc.nat(), { maxLength: 5 });
  fc.assert(
    fc.property(arbitraryBatch, arbitraryBatch, cuts, (first, second, at) => {
      const stream = Buffer.concat([frameOf(first), frameOf(second)]);
      const ends = [...at.map((cut) => cut % stream.length), stream.length];
      ends.sort((a, b) => a - b);
      const chunks = ends.map((end, position) => stream.subarray(ends[position - 1] ?? 0, end));
      assert.deepEqual(receive(chunks), [...first, ...second]);
    }),
  );
});

test("a frame cut at every byte gives the same messages", () => {
  fc.assert(
    fc.property(fc.array(arbitrarySent, { minLength: 1, maxLength: 2 }), (batch) => {
      const frame = frameOf(batch);
      for (let at = 0; at <= frame.length; at += 1) {
        assert.deepEqual(receive([frame.subarray(0, at), frame.subarray(at)]), batch);
      }
    }),
    { numRuns: 15 },
  );
});

test("a damaged frame gives its exact messages or ERR_FRAME_INVALID, or waits for more", () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(arbitraryBatch, damage, fc.option(fc.nat()), (batch, flips, cut) => {
      const frame = Buffer.from(frameOf(batch));
      for (const [at, mask] of flips) {
        const position = at % frame.length;
        frame.writeUInt8(frame.readUInt8(position) ^ mask, position);
      }
      const stream = cut === null ? frame : frame.subarray(0, cut % (frame.length + 1));
      const sent = refusing(() => receive([stream]));
      if (sent !== undefined && sent.length > 0) assert.deepEqual(sent, batch);
    }),
    { numRuns: 500 },
  );
});

test("a damaged body under a right checksum gives messages or ERR_FRAME_INVALID, and nothing else", () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(arbitraryBatch, damage, (batch, flips) => {
      const frame = Buffer.from(frameOf(batch));
      const body = bodyOfFrame(frame);
      for (const [at, mask] of flips) {
        const position = at % body.length;
        body[position] = (body[position] ?? 0) ^ mask;
      }
      frame.writeUInt32BE(crc32c(frame.subarray(frameHeaderBytes)), 4);
      const sent = refusing(() => receive([frame])) ?? [];
      for (const one of sent) {
        // Whatever passed is a message that can be sent again.
        assert.deepEqual(receive([frameOf([one])]), [one]);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("arbitrary bytes are refused or read by each reader, and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      refusing(() => decodeCbor(bytes));
      refusing(() => readGreeting(bytes));
      refusing(() => readMessages(bytes, from, to, collect().sink));
      refusing(() => receive([bytes]));
    }),
    { numRuns: 2_000 },
  );
});

test("arrays of arbitrary values are refused or read, and never misread as something else", () => {
  const value = fc.oneof(
    { weight: 5, arbitrary: fc.nat(30) },
    fc.uint8Array({ maxLength: 8 }),
    fc.string({ maxLength: 5 }),
    fc.double(),
    fc.constantFrom(null, true, [1], { a: 1 }),
  );
  fc.assert(
    fc.property(fc.nat(6), fc.array(value, { maxLength: 30 }), (kind, values) => {
      const body = encodeCbor([kind, ...values]);
      refusing(() => readMessages(body, from, to, collect().sink));
      refusing(() => readGreeting(body));
    }),
    { numRuns: 1_000 },
  );
});

test("unknown messages and unknown fields between known ones change nothing", () => {
  const strange = fc.record({
    type: fc.oneof(fc.integer({ min: 13, max: 15 }), fc.integer({ min: 21, max: 2 ** 31 })),
    fields: fc.array(fc.oneof(fc.nat(), fc.string(), fc.constant(null)), { maxLength: 5 }),
  });
  fc.assert(
    fc.property(arbitraryBatch, strange, strange, (batch, before, extra) => {
      const flat: unknown[] = [1];
      for (const sent of batch) {
        const values = decodeCbor(bodyOfFrame(frameOf([sent])));
        assert.ok(Array.isArray(values));
        const count: unknown = values[2];
        assert.ok(typeof count === "number");
        flat.push(before.type, before.fields.length, ...before.fields);
        flat.push(values[1], count + extra.fields.length, ...values.slice(3), ...extra.fields);
      }
      const { sent, sink } = collect();
      assert.equal(readMessages(encodeCbor(flat), from, to, sink), batch.length);
      assert.deepEqual(sent, batch);
    }),
  );
});
