import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FrameDecoder,
  bodyOfFrame,
  encodeFrame,
  frameHeaderBytes,
} from "../../../src/wire/index.ts";

const frames = [encodeFrame([1]), encodeFrame([2, "x".repeat(300)]), encodeFrame([3, [4]])];
const stream = Buffer.concat(frames);
const bodies = frames.map((frame) => Buffer.from(bodyOfFrame(frame)).toString("hex"));

function decodeAll(decoder: FrameDecoder, ...chunks: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk, (body) => found.push(Buffer.from(body).toString("hex")));
  }
  return found;
}

test("FrameDecoder finds the same bodies wherever the stream is cut", () => {
  assert.deepEqual(decodeAll(new FrameDecoder(), stream), bodies);
  for (let at = 0; at <= stream.length; at += 1) {
    const found = decodeAll(new FrameDecoder(), stream.subarray(0, at), stream.subarray(at));
    assert.deepEqual(found, bodies, `cut at ${at}`);
  }
  const single = Array.from(stream, (byte) => Uint8Array.of(byte));
  assert.deepEqual(decodeAll(new FrameDecoder(), ...single), bodies);
});

test("FrameDecoder hands over a view where the frame lies in one chunk, and memory of its own where not", () => {
  const chunk = Buffer.from(stream);
  const seen: Uint8Array[] = [];
  new FrameDecoder().push(chunk, (body) => seen.push(body));
  assert.ok(seen.every((body) => body.buffer === chunk.buffer));

  const cut = new FrameDecoder();
  const spanning: Uint8Array[] = [];
  cut.push(chunk.subarray(0, 30), () => {});
  cut.push(chunk.subarray(30), (body) => spanning.push(body));
  assert.ok(spanning[0]?.buffer !== chunk.buffer);
  assert.equal(spanning[0]?.buffer.byteLength, spanning[0]?.length);
});

test("FrameDecoder closes on a length of 0 and on one above its bound, before the body comes", () => {
  for (const length of [0, 101, 0xffff_ffff]) {
    const header = Buffer.alloc(frameHeaderBytes);
    header.writeUInt32BE(length);
    assert.throws(() => decodeAll(new FrameDecoder(100), header), {
      code: "ERR_FRAME_INVALID",
      message: new RegExp(`frame of ${length} bytes`),
    });
    const pieces = [header.subarray(0, 3), header.subarray(3)];
    assert.throws(() => decodeAll(new FrameDecoder(100), ...pieces), { code: "ERR_FRAME_INVALID" });
  }
});

test("FrameDecoder takes a frame of exactly its bound, and more once the bound is raised between frames", () => {
  const small = frames[0] ?? assert.fail();
  const decoder = new FrameDecoder(small.length - frameHeaderBytes);
  const found: number[] = [];
  decoder.push(stream, (body) => {
    found.push(body.length);
    decoder.bytesMax = 1_000;
  });
  assert.equal(found.length, 3);
});

test("FrameDecoder notices every flipped bit of a body and of its checksum", () => {
  const frame = frames[2] ?? assert.fail();
  for (let bit = 32; bit < frame.length * 8; bit += 1) {
    const damaged = Buffer.from(frame);
    damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.throws(() => decodeAll(new FrameDecoder(), damaged), {
      code: "ERR_FRAME_INVALID",
      message: /checksum/,
    });
  }
});

test("FrameDecoder stays closed once it threw, also where the receiver threw", () => {
  const zero = new FrameDecoder();
  assert.throws(() => decodeAll(zero, new Uint8Array(8)));
  assert.throws(() => decodeAll(zero, stream), { code: "ERR_FRAME_INVALID", message: /earlier/ });

  const thrower = new FrameDecoder();
  const failing = (): never => {
    throw new Error("the receiver's own");
  };
  assert.throws(() => thrower.push(stream, failing), /the receiver's own/);
  assert.throws(() => decodeAll(thrower, stream), { code: "ERR_FRAME_INVALID" });
});

test("FrameDecoder says whether the stream would end inside a frame", () => {
  const decoder = new FrameDecoder();
  assert.equal(decoder.partial, false);
  decodeAll(decoder, stream.subarray(0, 3));
  assert.equal(decoder.partial, true);
  decodeAll(decoder, stream.subarray(3, 9));
  assert.equal(decoder.partial, true);
  decodeAll(decoder, stream.subarray(9));
  assert.equal(decoder.partial, false);
});
