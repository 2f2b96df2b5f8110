/** Where an entry lies, and its block read back: what a follower that is behind costs its leader. */
import { MemoryStore } from "../../src/log/index.ts";
import { batchOf, openWithGroups } from "./sample-store.ts";
import type { MicroSuite } from "./suite.ts";

const groups = 100;
const blocks = 1_000;
const shape = { entries: 4, entryBytes: 16 };
const lastIndex = blocks * shape.entries;
/** Coprime to both counts, so that every group and index has its turn. */
const stride = 7_919;

let at = 0;

/** The next of a walk over all groups and indexes that no cache foresees. */
function nextPlace(): { group: number; index: number } {
  at = (at + stride) % (groups * lastIndex);
  return { group: (at % groups) + 1, index: Math.floor(at / groups) + 1 };
}

export const indexLookupSuite: MicroSuite = {
  name: "index-lookup",
  prepare: async () => {
    const store = await openWithGroups(new MemoryStore(), groups);
    for (let block = 0; block < blocks; block += 1) {
      await store.commit(batchOf(groups, shape, block * shape.entries + 1));
    }
    const one = { operations: 1 };
    return {
      cases: [
        {
          name: `position in ${groups} logs of ${blocks} blocks`,
          operation: "lookup",
          ...one,
          run: () => {
            const { group, index } = nextPlace();
            return store.position(group, index);
          },
        },
        {
          name: `read 1 block of ${groups} logs of ${blocks} blocks`,
          operation: "read",
          ...one,
          run: () => {
            const { group, index } = nextPlace();
            return store.read(group, index, 1);
          },
        },
      ],
      close: () => store.close(),
    };
  },
};
