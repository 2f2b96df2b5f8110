/**
 * A process that runs a StoreWorkload against an LmdbStore and says "ack N" on its standard output
 * as soon as the promise of commit N has resolved. Its parent traces its system calls, or kills it.
 *
 *      node store-writer.js {"dir":…,"durability":…,"seed":…,"resumeAt":…,"commits":…}
 */
import { writeSync } from "node:fs";
import { LmdbStore } from "../../src/log/index.ts";
import type { Durability } from "../../src/log/index.ts";
import { testIdentity } from "../fixtures/store-places.ts";
import { StoreWorkload, stateDigest } from "./store-workload.ts";

export interface WriterOptions {
  readonly dir: string;
  readonly durability: Durability;
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
  const { dir, durability, seed, resumeAt, commits } = options;
  const workload = new StoreWorkload(seed);
  while (workload.commits < resumeAt) workload.next();
  const store = new LmdbStore({
    dir,
    durability,
    identity: testIdentity,
    // Small, so that the file grows under the workload too.
    preallocateBytes: 131_072,
  });
  const recovered = await store.open();
  say(`opened ${stateDigest(store, recovered)}`);
  const underWay: Promise<void>[] = [];
  for (let i = 0; i < commits; i += 1) {
    const batch = workload.next();
    const commit = workload.commits;
    underWay.push(store.commit(batch).then(() => say(`ack ${commit}`)));
    // Now and then the store falls idle, so that its own flush is seen at work too.
    const underWayMax = commit % 7 === 0 ? 1 : store.commitsInFlightMax;
    while (underWay.length >= underWayMax) await underWay.shift();
  }
  await Promise.all(underWay);
  await store.close();
  say("closed");
}

await main(JSON.parse(process.argv[2] ?? "{}"));
