/** A stream of frames in the pieces in which a socket gives it. */
import { encodeFrame, FrameDecoder } from "../../src/wire/index.ts";
import type { MicroCase, MicroSuite } from "./suite.ts";

/** What libuv reads at once. */
const chunkBytes = 65_536;
const streamBytes = 1_048_576;

const decoder = new FrameDecoder();
let bytesSeen = 0;

function count(body: Uint8Array): void {
  bytesSeen += body.length;
}

/** About a megabyte of frames, cut where the socket would cut it. */
function caseOf(name: string, bodyBytes: number): MicroCase {
  const frame = encodeFrame(new Uint8Array(bodyBytes).fill(7));
  const frames = Math.ceil(streamBytes / frame.length);
  const stream = Buffer.concat(Array.from({ length: frames }, () => frame));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += chunkBytes) {
    chunks.push(stream.subarray(at, at + chunkBytes));
  }
  return {
    name,
    operation: "frame",
    operations: frames,
    bytes: frame.length,
    run: () => {
      for (const chunk of chunks) decoder.push(chunk, count);
      return bytesSeen;
    },
  };
}

export const frameDecoderSuite: MicroSuite = {
  name: "frame-decoder",
  prepare: async () => ({
    cases: [
      caseOf("frames of 64 B", 64),
      caseOf("frames of 4 KiB", 4_096),
      caseOf("frames of 256 KiB", 262_144),
    ],
  }),
};
