/**
 * A store whose disk refuses one of its calls: that is told once to every commit under way, nothing
 * is acknowledged afterwards, and what was acknowledged before is found when the disk works again.
 * The process goes on, but for one fault of lmdb's: see the test of a write that fails.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { roundsOf, seededPrng } from "../integration/random-seed.ts";
import { whyNotBuildable } from "../native/build.ts";
import { FailingDisk } from "../native/failing-disk.ts";
import type { DiskFault } from "../native/failing-disk.ts";
import { skipWithout } from "../native/skip-without.ts";
import { findLosses, runDoomed } from "./doomed-store.ts";
import type { DoomedOptions } from "./doomed-writer.ts";

const modes = ["strict", "pipelined"] as const;
const roundsEach = roundsOf(2);
/** Enough that some of the calls fall into the first commits and some into later ones. */
const commits = 40;
/** Of a run, or a few less: some fall into the making of the store, most into commits. */
const callsOf = { flush: 45, write: 110 } as const;
/** A fault may befall a call of our own that is simply made again. */
const sweepsMax = 5;

interface Fault {
  readonly action: DiskFault["action"];
  readonly kind: keyof typeof callsOf;
}

interface Tally {
  failures: number;
  crashes: number;
  /** What was wrong. */
  readonly found: string[];
}

/** Each fault befalls one call, drawn by chance, in some runs; returns what was wrong. */
function findFaults(t: TestContext, faults: readonly Fault[], mayCrash = false): string[] {
  const prng = seededPrng(t, "failing-calls");
  using disk = new FailingDisk();
  const tally: Tally = { failures: 0, crashes: 0, found: [] };
  const cases = modes.flatMap((durability) => faults.map((fault) => ({ durability, ...fault })));
  for (let sweep = 1; sweep <= sweepsMax; sweep += 1) {
    for (const { durability, action, kind } of cases) {
      for (let round = 1; round <= roundsEach; round += 1) {
        const first = prng.between(1, callsOf[kind] + 1);
        const dir = join(disk.dir, `${durability}-${action}-${kind}-${sweep}-${round}`);
        const options = { dir, durability, seed: first, commits, preallocateBytes: 131_072 };
        disk.fail({ action, kind, first, last: first });
        runOnce(disk, { options, story: `${action} at ${kind} ${first}`, mayCrash }, tally);
      }
    }
    if (tally.failures + tally.crashes + tally.found.length > 0) break;
  }
  t.diagnostic(`${tally.failures} stores failed, ${tally.crashes} processes ended`);
  assert.ok(tally.failures + tally.crashes + tally.found.length > 0, "the disk did fail");
  return tally.found;
}

interface Once {
  readonly options: DoomedOptions;
  readonly story: string;
  readonly mayCrash: boolean;
}

function runOnce(disk: FailingDisk, { options, story, mayCrash }: Once, tally: Tally): void {
  const doomed = runDoomed(options, { environment: disk.environment, mayCrash });
  disk.recover();
  if (doomed.openError !== undefined || doomed.refused > 0) tally.failures += 1;
  if (doomed.crashed) tally.crashes += 1;
  const wrong = [...doomed.faults, ...findLosses(options, doomed)];
  tally.found.push(...wrong.map((fault) => `${options.durability}: ${story}: ${fault}`));
}

test("a flush that fails, of open or of any commit, ends the store and nothing else", (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  const faults = findFaults(t, [
    { action: "EIO", kind: "flush" },
    { action: "ENOSPC", kind: "flush" },
  ]);
  assert.deepEqual(faults, []);
});

test("a write that takes only half of its bytes ends the store and nothing else", (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  assert.deepEqual(findFaults(t, [{ action: "short", kind: "write" }]), []);
});

// A full disk is met by our own writes. A write of LMDB's own that fails nevertheless makes lmdb-js
// 3.5.6 write an error text of some 110 bytes into 100 (mdb.c:4742 and the line after it): that may
// go unnoticed or end the process by a signal, and nothing of ours can prevent it. The process may
// end, then, but neither hang nor lose what it has acknowledged.
test("a write that fails ends the store, or by lmdb's fault the process, and loses nothing", (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  const faults: readonly Fault[] = [
    { action: "EIO", kind: "write" },
    { action: "ENOSPC", kind: "write" },
  ];
  assert.deepEqual(findFaults(t, faults, true), []);
});

test("no file is made longer but by writing, since LMDB crashes where it cannot", (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  using disk = new FailingDisk();
  const calls = (["any", "size"] as const).map((kind) => {
    disk.fail({ action: "count", kind });
    const dir = join(disk.dir, kind);
    const options = { dir, durability: "strict", seed: 1, commits, preallocateBytes: 0 } as const;
    const { faults } = runDoomed(options, { environment: disk.environment });
    assert.deepEqual(faults, []);
    return disk.takeCalls();
  });
  assert.ok((calls[0] ?? 0) > commits, "calls are counted");
  assert.equal(calls[1], 0);
});

test("a disk whose flushes do nothing loses nothing when only the process ends", (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  using disk = new FailingDisk();
  disk.fail({ action: "lie", kind: "flush" });
  for (const durability of modes) {
    const dir = join(disk.dir, durability);
    const options = { dir, durability, seed: 1, commits, preallocateBytes: 131_072 };
    const doomed = runDoomed(options, { environment: disk.environment });
    assert.deepEqual(doomed, {
      openError: undefined,
      acknowledged: commits,
      refused: 0,
      crashed: false,
      faults: [],
    });
    assert.deepEqual(findLosses(options, doomed), []);
  }
});
