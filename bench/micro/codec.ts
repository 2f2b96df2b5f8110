/** Frames of the messages of many groups: encoded by their sender, read by their receiver. */
import { frameHeaderBytes, MessageBatch, readMessages, wholeFrame } from "../../src/wire/index.ts";
import type { MessageSink } from "../../src/wire/index.ts";
import type { Message } from "../../src/raft/index.ts";
import { sampleBlock } from "./sample-blocks.ts";
import type { MicroCase, MicroSuite } from "./suite.ts";

/** Messages of one frame, each of another group. */
const frameMessages = 64;
const incarnation = 0xfeed_f00d_1234;
const ends = { from: 1, to: 2, term: 3 } as const;

const append: Message = {
  kind: "appendRequest",
  ...ends,
  prevIndex: 100_000,
  prevTerm: 3,
  commit: 99_990,
  blocks: [sampleBlock({ entries: 16, entryBytes: 16 }, 100_001, 3)],
};
const acknowledgement: Message = {
  kind: "appendResponse",
  ...ends,
  index: 100_016,
  rejected: false,
  hintIndex: 0,
  hintTerm: 0,
};
const heartbeat: Message = {
  kind: "heartbeatRequest",
  ...ends,
  commit: 100_016,
  commitTerm: 3,
  readRound: 7,
};

const batch = new MessageBatch();

function encode(message: Message): Uint8Array {
  for (let group = 1; group <= frameMessages; group += 1) {
    batch.addMessage(group, incarnation, message);
  }
  return wholeFrame(batch.take());
}

let newest: Message | undefined;
const sink: MessageSink = {
  onMessage(_group, _incarnation, message) {
    newest = message;
  },
  onShardMessage() {},
};

function casesOf(what: string, message: Message): MicroCase[] {
  const body = encode(message).subarray(frameHeaderBytes);
  const common = { operation: "message", operations: frameMessages };
  return [
    { name: `encode ${what}`, ...common, run: () => encode(message) },
    {
      name: `read ${what}`,
      ...common,
      run: () => {
        readMessages(body, ends.from, ends.to, sink);
        return newest;
      },
    },
  ];
}

export const codecSuite: MicroSuite = {
  name: "codec",
  prepare: async () => ({
    cases: [
      ...casesOf("appends of 16 entries of 16 B", append),
      ...casesOf("acknowledgements", acknowledgement),
      ...casesOf("heartbeats", heartbeat),
    ],
  }),
};
