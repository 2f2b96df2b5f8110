/**
 * A process that runs a StoreWorkload against a store and says "ack N" on its standard output
 * as soon as the promise of commit N has resolved. Its parent traces its system calls, or kills it.
 *
 *      node store-writer.js {"dir":…,"kind":…,"durability":…,"seed":…,"resumeAt":…,"commits":…}
 */
import { writeSync } from "node:fs";
import { StoreWorkload, stateDigest } from "./store-workload.ts";
import { createThreadedStore } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

export interface WriterOptions extends TrialStore {
  readonly seed: number;
  /** Commits that the directory holds already. */
  readonly resumeAt: number;
  readonly commits: number;
}

/** Not through `process.stdout`, which may keep what it is given for a while. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function main(options: WriterOptions): Promise<void> {
  const { seed, resumeAt, commits } = options;
  const workload = new StoreWorkload(seed);
  while (workload.commits < resumeAt) workload.next();
  // Little is made in advance, so that the file grows under the workload too.
  const store = createThreadedStore(options, 131_072);
  const recovered = await store.open();
  say(`opened ${stateDigest(store, recovered)}`);
  const inFlight: Promise<void>[] = [];
  for (let i = 0; i < commits; i += 1) {
    const batch = workload.next();
    const commit = workload.commits;
    inFlight.push(store.commit(batch).then(() => say(`ack ${commit}`)));
    // Now and then the store falls idle, so that its own flush is seen at work too.
    const inFlightMax = commit % 7 === 0 ? 1 : store.commitsInFlightMax;
    while (inFlight.length >= inFlightMax) await inFlight.shift();
  }
  await Promise.all(inFlight);
  await store.close();
  say("closed");
}

await main(JSON.parse(process.argv[2] ?? "{}"));
