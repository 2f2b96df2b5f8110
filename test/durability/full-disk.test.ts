/**
 * A store on a full file system: what does not fit is refused as a failure of the store, what was
 * acknowledged stays, and the process lives. LMDB maps its files into memory, so a page that the
 * file system cannot provide would be a bus error.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { makeTempDir } from "../fixtures/store-places.ts";
import { roundsOf, seededPrng } from "../integration/random-seed.ts";
import { skipWithout } from "../native/skip-without.ts";
import { SmallDisk, whyNotMountable } from "../native/small-disk.ts";
import { findLosses, runDoomed } from "./doomed-store.ts";
import type { TrialStore } from "./trial-store.ts";

const diskBytes = 4_194_304;
const pageBytes = 4_096;
const commits = 100_000;
const roundsEach = roundsOf(2);
const obstacle = whyNotMountable();

async function withSmallDisk(run: (disk: SmallDisk) => void): Promise<void> {
  const dir = makeTempDir();
  try {
    await using disk = await SmallDisk.mount(dir, diskBytes);
    run(disk);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

interface Filling extends Omit<TrialStore, "dir"> {
  readonly preallocateBytes: number;
}

/** Fills the disk some times over, each time with another page as the first that does not fit. */
async function fill(t: TestContext, { preallocateBytes, ...store }: Filling): Promise<string[]> {
  const prng = seededPrng(t, "full-disk");
  const found: string[] = [];
  for (let round = 1; round <= roundsEach; round += 1) {
    await withSmallDisk((disk) => {
      // A new store takes a hundred pages, with the room of its first transaction.
      const freeBytes = pageBytes * prng.between(120, 200);
      disk.fillUpTo(freeBytes);
      const dir = join(disk.dir, "store");
      const seed = prng.between(1, 1_000_000);
      const options = { dir, ...store, seed, commits, preallocateBytes };
      const doomed = runDoomed(options, disk);
      disk.free();
      const story = `round ${round}, ${freeBytes} bytes`;
      if (doomed.acknowledged === 0) found.push(`${story}: nothing fitted`);
      if (doomed.refused === 0) found.push(`${story}: no commit was refused`);
      const wrong = [...doomed.faults, ...findLosses(options, doomed, disk)];
      found.push(...wrong.map((fault) => `${story}: ${fault}`));
    });
  }
  return found;
}

const fillings: readonly Filling[] = [
  { kind: "lmdb", durability: "strict", preallocateBytes: 0 },
  { kind: "lmdb", durability: "strict", preallocateBytes: 131_072 },
  { kind: "lmdb", durability: "pipelined", preallocateBytes: 0 },
  { kind: "lmdb", durability: "pipelined", preallocateBytes: 131_072 },
  { kind: "segments", durability: "strict", preallocateBytes: 131_072 },
];

for (const filling of fillings) {
  const { kind, durability, preallocateBytes } = filling;
  test(`a ${kind} ${durability} store that grows by ${preallocateBytes} bytes fails when the disk is full, keeps its commits and goes on when there is space`, async (t) => {
    if (skipWithout(t, obstacle)) return;
    assert.deepEqual(await fill(t, filling), []);
  });
}

for (const kind of ["lmdb", "segments"] as const) {
  test(`a ${kind} store that does not fit when it is made is refused, and made when there is space`, async (t) => {
    if (skipWithout(t, obstacle)) return;
    const found: string[] = [];
    for (const freePages of [0, 1, 2, 3, 4, 8, 36, 72]) {
      await withSmallDisk((disk) => {
        const dir = join(disk.dir, "store");
        disk.fillUpTo(freePages * pageBytes);
        const options = {
          dir,
          kind,
          durability: "strict" as const,
          seed: 1,
          commits: 3,
          preallocateBytes: 131_072,
        };
        const doomed = runDoomed(options, disk);
        disk.free();
        const wrong = [...doomed.faults, ...findLosses(options, doomed, disk)];
        found.push(...wrong.map((fault) => `${freePages} free pages: ${fault}`));
      });
    }
    assert.deepEqual(found, []);
  });
}

test("a store whose lock file is gone opens on a full disk, or is refused", async (t) => {
  if (skipWithout(t, obstacle)) return;
  await withSmallDisk((disk) => {
    const dir = join(disk.dir, "store");
    const options = {
      dir,
      kind: "lmdb",
      durability: "strict",
      seed: 1,
      commits: 3,
      preallocateBytes: 0,
    } as const;
    const made = runDoomed(options, disk);
    assert.deepEqual(made.faults, []);
    disk.remove(join("store", "lock.mdb"));
    disk.fillUpTo(0);
    const { faults } = runDoomed({ ...options, commits: 0 }, disk);
    disk.free();
    assert.deepEqual([...faults, ...findLosses(options, made, disk)], []);
  });
});
