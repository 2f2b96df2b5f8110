/**
 * The threads of the shards. The only user of piscina: one task a worker, each for the life of its
 * shard; a worker that dies is replaced by the pool, its shard by `ShardHandle`. No abort signals
 * and no `destroy`: a thread that is terminated while LMDB writes can hang or abort the whole
 * process.
 */
import { existsSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import { RaftError } from "../base/index.ts";
import type { ShardTask } from "../shard/index.ts";
import { PoolShare } from "./pool-share.ts";
import type { RelayTask } from "./relay-orders.ts";

/**
 * Compiled or not, the worker's file has the extension that this one has.
 * @throws ERR_WORKER_MISSING if a bundler has moved this file away from it
 */
export function workerFile(
  moduleUrl: string = import.meta.url,
  name: "shard/worker" | "log/log-worker" | "engine/relay-worker" = "shard/worker",
): string {
  const own = fileURLToPath(moduleUrl);
  const file = fileURLToPath(new URL(`../${name}${extname(own)}`, moduleUrl));
  if (existsSync(file)) return file;
  throw new RaftError("ERR_WORKER_MISSING", `There is no worker module ${file} beside ${own}`);
}

/** A store of ours. */
export type WrittenStore = "lmdb" | "segments";

/** Starts the thread that has the node's one port. */
export function startRelay(task: RelayTask): Worker {
  return new Worker(workerFile(import.meta.url, "engine/relay-worker"), {
    workerData: task,
    transferList: [task.orders],
  });
}

export class WorkerPool {
  private readonly pool: Piscina;
  /** Every thread that may still be there. */
  private readonly threads = new Set<Piscina["threads"][number]>();
  /** Undefined unless the shards write segments. */
  private readonly share: PoolShare | undefined;
  private readonly store: WrittenStore | undefined;
  /**
   * The threads that write shards' logs, by shard, until they have ended. None is a child of its
   * shard's thread: it outlives that for as long as the disk keeps its last write.
   */
  private readonly logThreads = new Map<number, { worker: Worker; ended: Promise<void> }>();

  /** @param store undefined if the logs are the embedder's */
  constructor(shards: number, youngHeapMb: number, store: WrittenStore | undefined) {
    this.store = store;
    this.share = store === "segments" ? new PoolShare(shards) : undefined;
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
    await this.logThreads.get(task.shard)?.ended;
    for (const thread of this.pool.threads) this.threads.add(thread);
    const logThread = this.startLogThread(task.shard);
    const transferList = logThread === undefined ? [task.mail] : [task.mail, logThread];
    await this.pool.run({ ...task, logThread, poolJobs: this.share?.jobs }, { transferList });
  }

  /**
   * Starts the thread that a shard's log needs, of LMDB once it is asked for; returns the shard's
   * end of its port.
   */
  private startLogThread(shard: number): MessagePort | undefined {
    const { store, share } = this;
    if (store === undefined || share?.needsThread === false) return undefined;
    const { port1, port2 } = new MessageChannel();
    if (store === "segments") this.startLogWorker(shard, port2, store);
    else {
      // The shard asks for it, and sends nothing more before it is answered.
      port2.once("message", () => {
        port2.postMessage(0);
        try {
          this.startLogWorker(shard, port2, store);
        } catch {
          // There can be no more threads: the shard goes on by itself.
          port2.close();
        }
      });
      port2.unref();
    }
    return port1;
  }

  private startLogWorker(shard: number, port: MessagePort, store: WrittenStore): void {
    // A file of ES modules cannot be the main module of a thread whose process was started with
    // `--input-type`; imported by a text it can.
    const module = pathToFileURL(workerFile(import.meta.url, "log/log-worker")).href;
    const worker = new Worker(`import(${JSON.stringify(module)})`, {
      eval: true,
      workerData: { port, store },
      transferList: [port],
    });
    const ended = new Promise<void>((resolve) => {
      worker.once("exit", () => {
        this.logThreads.delete(shard);
        resolve();
      });
    });
    // Its shard hears of it by the end of the port.
    worker.on("error", () => {});
    this.logThreads.set(shard, { worker, ended });
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
    for (const { worker } of this.logThreads.values()) worker.unref();
  }

  /** Every task must have ended. */
  async close(): Promise<void> {
    await this.pool.close();
    await Promise.all([...this.logThreads.values()].map(({ ended }) => ended));
    this.share?.release();
  }
}
