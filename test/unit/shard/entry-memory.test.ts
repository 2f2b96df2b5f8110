import assert from "node:assert/strict";
import { test } from "node:test";
import { byteShares } from "../../../src/shard/byte-budget.ts";
import { DataPause } from "../../../src/shard/data-pause.ts";
import { EntryMemory } from "../../../src/shard/entry-memory.ts";
import type { MemoryOwner } from "../../../src/shard/entry-memory.ts";

test("lanes are read again when a replica that held the memory has ended without a commit", () => {
  const pauses: boolean[] = [];
  const shares = byteShares(16_384);
  const tails = { bytes: 0 };
  const owner: MemoryOwner = {
    shares,
    tails,
    replicas: new Map(),
    heldBack: [],
    get entriesFull() {
      return tails.bytes >= shares.entries;
    },
    markDirty: () => {},
    dataPause: new DataPause({ pauseData: (paused) => void pauses.push(paused) }),
  };
  const memory = new EntryMemory(owner);
  tails.bytes = shares.entries;
  memory.afterFrame();
  memory.beforeRound();
  assert.deepEqual(pauses, [true]);
  tails.bytes = 0;
  memory.beforeRound();
  assert.deepEqual(pauses, [true, false]);
});
