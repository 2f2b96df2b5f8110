/**
 * A store whose disk refuses one of its calls: that is told once to every commit in flight, nothing
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
import { durableKinds } from "./trial-store.ts";

const roundsEach = roundsOf(2);
/** Enough that some of the calls fall into the first commits and some into later ones. */
const commits = 40;
/** Of a run, or a few less: some fall into the making of the store, most into commits. */
const callsOf = {
  lmdb: { flush: 45, write: 110 },
  segments: { flush: 4, write: 60 },
} as const;
/** A fault may befall a call of our own that is simply made again. */
const sweepsMax = 5;

interface Fault {
  readonly action: DiskFault["action"];
  readonly call: keyof typeof callsOf.lmdb;
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
  const cases = durableKinds.flatMap((store) => faults.map((fault) => ({ ...store, ...fault })));
  for (let sweep = 1; sweep <= sweepsMax; sweep += 1) {
    for (const { kind, durability, action, call } of cases) {
      for (let round = 1; round <= roundsEach; round += 1) {
        const first = prng.between(1, callsOf[kind][call] + 1);
        const dir = join(disk.dir, `${kind}-${durability}-${action}-${call}-${sweep}-${round}`);
        const options = { dir, kind, durability, seed: first, commits, preallocateBytes: 131_072 };
        disk.fail({ action, kind: call, first, last: first });
        const story = `${action} at ${call} ${first}`;
        runOnce(disk, { options, story, mayCrash: mayCrash && kind === "lmdb" }, tally);
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
  tally.found.push(
    ...wrong.map((fault) => `${options.kind} ${options.durability}: ${story}: ${fault}`),
  );
}

test("a flush that fails, of open or of any commit, ends the store and nothing else", (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  const faults = findFaults(t, [
    { action: "EIO", call: "flush" },
    { action: "ENOSPC", call: "flush" },
  ]);
  assert.deepEqual(faults, []);
});

test("a write that takes only half of its bytes ends the store and nothing else", (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  assert.deepEqual(findFaults(t, [{ action: "short", call: "write" }]), []);
});

// A full disk is met by our own writes. A write of LMDB's own that fails nevertheless makes lmdb-js
// 3.5.6 write an error text of some 110 bytes into 100 (mdb.c:4742 and the line after it): that may
// go unnoticed or end the process by a signal, and nothing of ours can prevent it. The process may
// end, then, but neither hang nor lose what it has acknowledged.
test("a write that fails ends the store, or by lmdb's fault the process, and loses nothing", (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  const faults: readonly Fault[] = [
    { action: "EIO", call: "write" },
    { action: "ENOSPC", call: "write" },
  ];
  assert.deepEqual(findFaults(t, faults, true), []);
});

test("no file is made longer but by writing, since LMDB crashes where it cannot", (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  using disk = new FailingDisk();
  const calls = (["any", "size"] as const).map((kind) => {
    disk.fail({ action: "count", kind });
    const dir = join(disk.dir, kind);
    const common = { dir, seed: 1, commits, preallocateBytes: 0 };
    const options = { ...common, kind: "lmdb", durability: "strict" } as const;
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
  for (const { kind, durability } of durableKinds) {
    const dir = join(disk.dir, `${kind}-${durability}`);
    const options = { dir, kind, durability, seed: 1, commits, preallocateBytes: 131_072 };
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
