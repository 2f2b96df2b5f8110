/**
 * How many threads of libuv's pool the logs of this process may hold up. The pool serves the
 * embedder's files, names, compression and keys too, and a hung disk keeps every thread that writes
 * to it: one at least is never the log's. Logs whose share is used up have threads of their own.
 */

/** Jobs of one shard's segments at the same time: a write in each lane, and one that is made. */
const jobsPerShard = 3;
const poolThreadsDefault = 4;

/** Threads of the pool that logs of this process may hold up now. */
let threadsTaken = 0;

export class PoolShare {
  /** Of each shard; from 0 to 3. */
  readonly jobs: number;
  private threads: number;

  constructor(shards: number, poolThreads: number = poolThreadsOf(process.env)) {
    const free = Math.max(0, poolThreads - 1 - threadsTaken);
    this.jobs = Math.min(jobsPerShard, Math.floor(free / shards));
    this.threads = this.jobs * shards;
    threadsTaken += this.threads;
  }

  /** Whether some jobs of a shard need another thread. */
  get needsThread(): boolean {
    return this.jobs < jobsPerShard;
  }

  release(): void {
    threadsTaken -= this.threads;
    this.threads = 0;
  }
}

/** As libuv reads it. */
function poolThreadsOf(environment: NodeJS.ProcessEnv): number {
  const asked = Number.parseInt(environment["UV_THREADPOOL_SIZE"] ?? "", 10);
  return Number.isNaN(asked) ? poolThreadsDefault : Math.min(Math.max(asked, 1), 1_024);
}
