/**
 * A process that makes ten commits, whatever becomes of them, and tells as JSON which promises
 * resolved.
 *
 *      node failing-disk-writer.js {"dir":…,"kind":…,"durability":…}
 */
import { writeSync } from "node:fs";
import { RaftError } from "../../src/base/index.ts";
import { StoreWorkload } from "./store-workload.ts";
import { createThreadedStore } from "./trial-store.ts";

export interface FailingDiskReport {
  readonly resolved: readonly number[];
  readonly rejected: readonly number[];
  /** Of the rejections, each once. */
  readonly codes: readonly string[];
  /** Whether closing came to an end. */
  readonly closed: boolean;
}

const commits = 10;

const store = createThreadedStore(JSON.parse(process.argv[2] ?? "{}"), 0);
await store.open();
const resolved: number[] = [];
const rejected: number[] = [];
const codes = new Set<string>();
const workload = new StoreWorkload(1);
const inFlight: Promise<void>[] = [];
for (let commit = 1; commit <= commits; commit += 1) {
  const done = store.commit(workload.next()).then(
    () => void resolved.push(commit),
    (error: unknown) => {
      rejected.push(commit);
      codes.add(error instanceof RaftError ? error.code : String(error));
    },
  );
  inFlight.push(done);
  if (inFlight.length >= store.commitsInFlightMax) await inFlight.shift();
}
await Promise.all(inFlight);
await store.close();
const report: FailingDiskReport = { resolved, rejected, codes: [...codes], closed: true };
writeSync(1, JSON.stringify(report));
