/**
 * A process that runs cases of `logStoreSuite` on a store, each in a folder of its own, and tells
 * on its standard output what has come of each commit. Its parent kills it at any moment.
 *
 *      node suite-runner.js {"dir":…,"kind":…,"durability":…,"cases":[3,0,…]}
 *
 *      case 3        the third case begins, in <dir>/3
 *      ack 3 5       the promise of its fifth commit has resolved
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import type { CommitBatch, LogStore } from "../../src/log/index.ts";
import { logStoreSuite } from "../../src/testing/index.ts";
import type { SuiteCase } from "../../src/testing/index.ts";
import { createTrialStore } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

export interface RunnerOptions extends TrialStore {
  /** Cases by their place in the suite, in the order in which they run. */
  readonly cases: readonly number[];
}

/** Takes every batch that a store of the case is given, and what becomes of it. */
export type WatchCommit = (batch: CommitBatch, done: Promise<void>) => void;

/** The cases, each on one place whose stores are watched and which is left as it is at the end. */
export function watchedSuite(createStore: () => LogStore, watch: WatchCommit): SuiteCase[] {
  return logStoreSuite(async () => ({
    store: () => watched(createStore(), watch),
    remove: async () => {},
  }));
}

function watched(store: LogStore, watch: WatchCommit): LogStore {
  return {
    durability: store.durability,
    commitsInFlightMax: store.commitsInFlightMax,
    open: () => store.open(),
    commit: (batch) => {
      const done = store.commit(batch);
      watch(batch, done);
      return done;
    },
    read: (group, from, bytesMax) => store.read(group, from, bytesMax),
    position: (group, index) => store.position(group, index),
    readSpan: () => store.readSpan(),
    stats: () => store.stats(),
    close: () => store.close(),
  };
}

/** Not through `process.stdout`, which may keep what it is given for a while. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function main({ dir, kind, durability, cases }: RunnerOptions): Promise<void> {
  let present = -1;
  let commits = 0;
  const suite = watchedSuite(
    () => createTrialStore({ dir: join(dir, `${present}`), kind, durability }, 131_072),
    (_, done) => {
      const [at, commit] = [present, (commits += 1)];
      // What is refused is the case's own affair.
      done.then(
        () => say(`ack ${at} ${commit}`),
        () => {},
      );
    },
  );
  for (const at of cases) {
    present = at;
    commits = 0;
    say(`case ${at}`);
    await suite[at]?.run();
  }
  say("ended");
}

const [, , options] = process.argv;
// Imported by the parent for its cases, it runs none.
if (options !== undefined && import.meta.filename === process.argv[1]) {
  await main(JSON.parse(options));
}
