/**
 * The threads of the shards. The only user of piscina: one task a worker, each for the life of its
 * shard; a worker that dies is replaced by the pool, its shard by `ShardHandle`. No abort signals
 * and no `destroy`: a thread that is terminated while LMDB writes can hang or abort the whole
 * process.
 */
import { existsSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { RaftError } from "../base/index.ts";
import type { ShardTask } from "../shard/index.ts";

/**
 * Compiled or not, the worker's file has the extension that this one has.
 * @throws ERR_WORKER_MISSING if a bundler has moved this file away from it
 */
export function workerFile(moduleUrl: string = import.meta.url): string {
  const own = fileURLToPath(moduleUrl);
  const file = fileURLToPath(new URL(`../shard/worker${extname(own)}`, moduleUrl));
  if (existsSync(file)) return file;
  throw new RaftError("ERR_WORKER_MISSING", `There is no worker module ${file} beside ${own}`);
}

export class WorkerPool {
  private readonly pool: Piscina;
  /** Every thread that may still be there. */
  private readonly threads = new Set<Piscina["threads"][number]>();

  constructor(shards: number, youngHeapMb: number) {
    this.pool = new Piscina({
      filename: workerFile(),
      name: "runShard",
      minThreads: shards,
      maxThreads: shards,
      concurrentTasksPerWorker: 1,
      resourceLimits: { maxYoungGenerationSizeMb: youngHeapMb },
      idleTimeout: Number.POSITIVE_INFINITY,
      // Other settings park an idle worker's thread, its sockets and timers included.
      atomics: "disabled",
    });
  }

  async run(task: ShardTask): Promise<void> {
    await this.removedAreGone();
    for (const thread of this.pool.threads) this.threads.add(thread);
    await this.pool.run(task, { transferList: [task.mail] });
  }

  /**
   * A thread's error is told before the thread has ended: its store's writes may be with the system
   * still, and must not meet those of its successor.
   */
  private async removedAreGone(): Promise<void> {
    for (const thread of this.threads) {
      if (this.pool.threads.includes(thread)) continue;
      // Removed, the pool has asked it to end; this resolves when it has.
      await thread.terminate();
      this.threads.delete(thread);
    }
  }

  /** Lets the process end though tasks have not. */
  unref(): void {
    for (const thread of this.pool.threads) thread.unref();
  }

  /** Every task must have ended. */
  close(): Promise<void> {
    return this.pool.close();
  }
}
