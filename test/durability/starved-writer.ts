/**
 * A process whose embedder leaves no descriptor to its log: it opens a store, opens files until the
 * system refuses, then commits and reads. Prints what became of each as one line of JSON.
 *
 *      sh -c 'ulimit -n 1024; exec node starved-writer.js {"dir":…,"kind":…,"durability":…}'
 */
import { openSync } from "node:fs";
import { makeBlock } from "../../src/testing/index.ts";
import { createTrialStore } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

export interface StarvedOutcome {
  /** How many descriptors were left once the store was open. */
  readonly left: number;
  readonly settled: number;
  readonly refusals: readonly string[];
  readonly read: number;
}

const commits = 60;

/** Opens files until the system refuses: how many it took. */
function starve(): number {
  for (let taken = 0; ; taken += 1) {
    try {
      openSync("/dev/null", "r");
    } catch {
      return taken;
    }
  }
}

async function main(options: TrialStore): Promise<void> {
  const store = createTrialStore(options, 0);
  await store.open();
  const descriptor = {
    group: 1,
    members: [{ node: "a", incarnation: 1 }],
    state: "running",
    reason: "",
  } as const;
  await store.commit({ changes: [], descriptors: [descriptor], removed: [] });
  const left = starve();
  const inFlight: Promise<void>[] = [];
  const refusals: string[] = [];
  let settled = 0;
  for (let first = 1; first <= commits; first += 1) {
    const blocks = [makeBlock(first, 1, [Buffer.alloc(3_000, first)])];
    const changes = [{ group: 1, commit: 0, ballot: undefined, blocks }];
    const commit = store.commit({ changes, descriptors: [], removed: [] });
    const done = commit.catch((error: unknown) => void refusals.push(String(error)));
    inFlight.push(done.then(() => void (settled += 1)));
    if (inFlight.length >= store.commitsInFlightMax) await inFlight.shift();
  }
  await Promise.all(inFlight);
  let read = 0;
  for (let first = 1; first <= commits; first += 1) read += store.read(1, first, 1).length;
  await store.close();
  const outcome: StarvedOutcome = { left, settled, refusals, read };
  console.log(JSON.stringify(outcome));
}

await main(JSON.parse(process.argv[2] ?? ""));
