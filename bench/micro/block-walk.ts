/** The entries of a block: laid once by a leader, counted when they arrive, walked at apply. */
import { countEntries, encodeEntries, EntryCursor } from "../../src/raft/index.ts";
import { sampleBlock, sampleEntries } from "./sample-blocks.ts";
import type { BlockShape } from "./sample-blocks.ts";
import type { MicroCase, MicroSuite } from "./suite.ts";

const cursor = new EntryCursor();
let lengths = 0;

function walk(bytes: Uint8Array): number {
  cursor.reset(bytes);
  while (cursor.next()) lengths += cursor.end - cursor.start;
  return lengths;
}

function casesOf(shape: BlockShape): MicroCase[] {
  const { entries, entryBytes } = shape;
  const list = sampleEntries(shape);
  const { bytes } = sampleBlock(shape);
  const common = { operation: "entry", operations: entries };
  const what = `${entries} entries of ${entryBytes} B`;
  return [
    { name: `walk ${what}`, ...common, run: () => walk(bytes) },
    { name: `count ${what}`, ...common, run: () => countEntries(bytes) },
    { name: `lay ${what}`, ...common, run: () => encodeEntries(list) },
  ];
}

export const blockWalkSuite: MicroSuite = {
  name: "block-walk",
  prepare: async () => ({
    cases: [
      ...casesOf({ entries: 1_000, entryBytes: 16 }),
      ...casesOf({ entries: 1_000, entryBytes: 1_024 }),
    ],
  }),
};
