/**
 * A process whose embedder leaves no descriptor to its log: it opens a store, opens files until the
 * system refuses, then commits and reads. Prints what became of each as one line of JSON.
 *
 *      sh -c 'ulimit -n 1024; exec node starved-writer.js {"dir":…,"kind":…,"durability":…}'
 */
import { closeSync, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { LogStore } from "../../src/log/index.ts";
import { makeBlock } from "../../src/testing/index.ts";
import { createTrialStore } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

export interface StarvedOutcome {
  /** How many descriptors were left once the store was open. */
  readonly left: number;
  readonly settled: number;
  readonly refusals: readonly string[];
  readonly read: number;
  /** Of a commit larger than a segment, made before descriptors were freed: what came of it. */
  readonly large: string;
}

const commits = 60;

/** Opens files until the system refuses. */
function starve(): number[] {
  const taken: number[] = [];
  for (;;) {
    try {
      taken.push(openSync("/dev/null", "r"));
    } catch {
      return taken;
    }
  }
}

/** A segment of its own needs more descriptors than the log keeps: it waits for them. */
async function commitLarge(store: LogStore, first: number, taken: number[]): Promise<string> {
  const blocks = [makeBlock(first, 1, [Buffer.alloc(300_000)])];
  const changes = [{ group: 1, commit: 0, ballot: undefined, blocks }];
  const done = store.commit({ changes, descriptors: [], removed: [] }).then(
    () => "settled",
    (error: unknown) => String(error),
  );
  // What the log had kept is gone as well, and behind these jobs of the same pool its first try.
  for (let jobs = 0; jobs < 8; jobs += 1) {
    taken.push(...starve());
    await stat("/dev/null");
  }
  for (const fd of taken) closeSync(fd);
  return done;
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
  const taken = starve();
  const left = taken.length;
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
  const large = await commitLarge(store, commits + 1, taken);
  await store.close();
  const outcome: StarvedOutcome = { left, settled, refusals, read, large };
  console.log(JSON.stringify(outcome));
}

await main(JSON.parse(process.argv[2] ?? ""));
