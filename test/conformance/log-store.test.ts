/** Every store of ours does what a LogStore must do. */
import { describe, it } from "node:test";
import { logStoreSuite } from "../../src/testing/index.ts";
import {
  lmdbPlace,
  memoryPlace,
  segmentPlace,
  threadedLmdbPlace,
  threadedSegmentPlace,
} from "../fixtures/store-places.ts";

const places = {
  MemoryStore: memoryPlace,
  "LmdbStore, strict": () => lmdbPlace("strict"),
  "LmdbStore, pipelined": () => lmdbPlace("pipelined"),
  "LmdbStore, none": () => lmdbPlace("none"),
  "LmdbStore, strict, with a thread": () => threadedLmdbPlace("strict"),
  "LmdbStore, pipelined, with a thread": () => threadedLmdbPlace("pipelined"),
  "SegmentStore, strict": () => segmentPlace("strict"),
  "SegmentStore, strict, with a thread": threadedSegmentPlace,
  "SegmentStore, none": () => segmentPlace("none"),
};

for (const [name, createPlace] of Object.entries(places)) {
  describe(name, () => {
    for (const { name: title, run } of logStoreSuite(createPlace)) it(title, run);
  });
}
