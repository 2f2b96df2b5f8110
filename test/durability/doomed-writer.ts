/**
 * A process that runs a StoreWorkload on a disk that will fail, and tells on its standard output
 * what becomes of each commit. It goes on for some commits after the first that is refused: a dead
 * store must stay dead.
 *
 *      node doomed-writer.js {"dir":…,"kind":…,"durability":…,"seed":…,"commits":…,"preallocateBytes":…}
 *
 *      opened | open ERR_STORE_FAILED        ack 1        refused 2 ERR_STORE_FAILED        closed
 */
import { writeSync } from "node:fs";
import { RaftError } from "../../src/base/index.ts";
import { StoreWorkload } from "./store-workload.ts";
import { createThreadedStore } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

export interface DoomedOptions extends TrialStore {
  readonly seed: number;
  readonly commits: number;
  readonly preallocateBytes: number;
}

const refusalsMax = 5;

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/** An error that is not one of ours is shown whole: it fails the test. */
function codeOf(error: unknown): string {
  return error instanceof RaftError ? error.code : String(error);
}

async function main(options: DoomedOptions): Promise<void> {
  const { seed, commits, preallocateBytes } = options;
  const store = createThreadedStore(options, preallocateBytes);
  try {
    await store.open();
  } catch (error) {
    say(`open ${codeOf(error)}`);
    return;
  }
  say("opened");
  const workload = new StoreWorkload(seed);
  const inFlight: Promise<void>[] = [];
  let refusals = 0;
  while (workload.commits < commits && refusals < refusalsMax) {
    const batch = workload.next();
    const commit = workload.commits;
    const told = store.commit(batch).then(
      () => say(`ack ${commit}`),
      (error: unknown) => {
        refusals += 1;
        say(`refused ${commit} ${codeOf(error)}`);
      },
    );
    inFlight.push(told);
    if (inFlight.length >= store.commitsInFlightMax) await inFlight.shift();
  }
  await Promise.all(inFlight);
  await store.close();
  say("closed");
}

await main(JSON.parse(process.argv[2] ?? "{}"));
