/** Stores with groups in them, for the cases to write to and to read from. */
import type { CommitBatch, Descriptor, GroupChange, LogStore } from "../../src/log/index.ts";
import { sampleBlock } from "./sample-blocks.ts";
import type { BlockShape } from "./sample-blocks.ts";

const term = 1;

function descriptorOf(group: number): Descriptor {
  return { group, members: [{ node: "n1", incarnation: 1 }], state: "running", reason: "" };
}

/** Opens a store and creates groups 1 to `groups` in it. */
export async function openWithGroups(store: LogStore, groups: number): Promise<LogStore> {
  await store.open();
  const numbers = Array.from({ length: groups }, (_, at) => at + 1);
  const ballot = { term, vote: "n1" };
  const changes = numbers.map((group) => ({ group, commit: 0, ballot, blocks: [] }));
  await store.commit({ changes, descriptors: numbers.map(descriptorOf), removed: [] });
  return store;
}

/** One block of every group, which begins at `first`. */
export function batchOf(groups: number, shape: BlockShape, first: number): CommitBatch {
  const block = sampleBlock(shape, first, term);
  const changes: GroupChange[] = [];
  for (let group = 1; group <= groups; group += 1) {
    changes.push({ group, commit: 0, ballot: undefined, blocks: [block] });
  }
  return { changes, descriptors: [], removed: [] };
}
