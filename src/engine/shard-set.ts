/**
 * The shards of one engine with what they share: the pool of their threads and the data directory.
 * Opening and closing have deadlines. What a deadline cannot do is to end a thread: one that writes
 * with LMDB must not be terminated, so it keeps the directory locked until it has ended by itself.
 */
import { RaftError } from "../base/index.ts";
import type { ErrorCode, NodeId } from "../base/index.ts";
import type { ControlCall } from "../shard/index.ts";
import type { CredentialOptions } from "../transport/index.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { NodePort } from "./node-port.ts";
import type { CallSettings, ShardHandle } from "./shard-handle.ts";
import type { WorkerPool } from "./worker-pool.ts";

/**
 * What concerns the store of one shard and not the node: the others open without it. Everything
 * else (a port that is taken, a module that cannot be loaded) is the same for all of them.
 */
const ofOneShard: ReadonlySet<ErrorCode> = new Set(["ERR_STORE_CORRUPT", "ERR_STORE_FAILED"]);
/** How long a refused open waits at most for the shards that did open to close again, in ms. */
const undoMsMax = 2_000;

/** What a shard is told before it begins. */
export interface Introduction {
  readonly addresses: Readonly<Record<NodeId, string>>;
  readonly credentials: CredentialOptions;
  /** Where peers reach each shard of this node. */
  readonly ports: readonly number[];
}

export interface ShardSetParts {
  readonly handles: readonly ShardHandle[];
  readonly pool: WorkerPool;
  readonly directory: DataDirectory;
  readonly nodePort: NodePort;
}

export class ShardSet {
  readonly handles: readonly ShardHandle[];
  private readonly pool: WorkerPool;
  private readonly directory: DataDirectory;
  readonly nodePort: NodePort;
  private ended: Promise<void> | undefined;

  constructor({ handles, pool, directory, nodePort }: ShardSetParts) {
    this.handles = handles;
    this.pool = pool;
    this.directory = directory;
    this.nodePort = nodePort;
  }

  /**
   * Opens all shards. Resolves when each is up or has failed by damage of its own, and one at least
   * is up; at the deadline with those that are up, while the others go on opening.
   * @throws what a shard throws that concerns the whole node, or all of them; ERR_TIMEOUT if none
   * is up at the deadline. The shards that had opened are closed then.
   */
  async open(timeoutMs: number): Promise<void> {
    try {
      await this.nodePort.open();
    } catch (error) {
      await this.end();
      throw error;
    }
    await this.openShards(timeoutMs);
  }

  private async openShards(timeoutMs: number): Promise<void> {
    const shardFaults: RaftError[] = [];
    const opening = this.handles.map((handle) =>
      handle.open().catch((error: unknown) => {
        if (!(error instanceof RaftError) || !ofOneShard.has(error.code)) throw error;
        shardFaults.push(error);
      }),
    );
    let refusal: unknown;
    try {
      // The first fault of the node ends the wait: the others meet the same, or hang.
      await within(timeoutMs, Promise.all(opening));
      if (this.handles.some(({ state }) => state === "up")) {
        await this.holdPort();
        return;
      }
      refusal = shardFaults[0] ?? this.describeHung("opened", timeoutMs);
    } catch (error) {
      refusal = error;
    }
    // A shard that hangs keeps its thread and the directory's lock; the error does not wait for it.
    await within(Math.min(timeoutMs, undoMsMax), this.end()).catch(() => {});
    await this.nodePort.close();
    throw refusal;
  }

  /** Somebody is found at shard 0's port from now on, whatever becomes of that shard. */
  private async holdPort(): Promise<void> {
    const [first] = this.handles;
    if (first === undefined || first.state === "up") return;
    await this.nodePort.onDown(first);
    // If the system has chosen it, it is the shard's as if that had bound it.
    if (this.nodePort.port !== 0) first.port = this.nodePort.port;
  }

  /** A shard is down, or was while the engine opened. */
  onDown(shard: ShardHandle): void {
    // The only shard of a node hides no others, and does not ask for its port back.
    if (this.handles.length === 1 || shard.state === "closed" || shard.state === "up") return;
    void this.nodePort.onDown(shard);
  }

  /** Tells shards what they need to begin. */
  async introduce(
    shards: readonly ShardHandle[],
    { addresses, credentials, ports }: Introduction,
    settings: CallSettings,
  ): Promise<void> {
    this.nodePort.tell({ kind: "setPeers", addresses });
    this.nodePort.setDirectory(ports);
    const calls: readonly ControlCall[] = [
      { kind: "setPeers", addresses },
      // They may have been renewed since the shard's worker was given its own.
      { kind: "renewCredentials", credentials },
      { kind: "start", ports },
    ];
    await Promise.all(
      shards.flatMap((shard) => calls.map((call) => tellUp(shard, call, settings))),
    );
  }

  /**
   * Tells all shards but those that are down or not up yet: these are told when they are up, as is
   * one that crashes meanwhile.
   */
  async tell(call: ControlCall, settings: CallSettings): Promise<void> {
    this.nodePort.tell(call);
    await Promise.all(this.handles.map((shard) => tellUp(shard, call, settings)));
  }

  /**
   * Closes all shards, the pool and the directory.
   * @throws ERR_TIMEOUT at the deadline, naming the shards that have not ended; they go on ending
   */
  async close(timeoutMs: number): Promise<void> {
    const ended = this.end();
    if (await within(timeoutMs, ended)) return;
    this.pool.unref();
    await this.nodePort.close();
    throw this.describeHung("ended", timeoutMs);
  }

  private end(): Promise<void> {
    this.ended ??= this.endOnce();
    return this.ended;
  }

  private async endOnce(): Promise<void> {
    try {
      await Promise.all(this.handles.map((handle) => handle.close()));
      await this.nodePort.close();
      await this.pool.close();
    } finally {
      this.directory.close();
    }
  }

  private describeHung(what: "opened" | "ended", timeoutMs: number): RaftError {
    const hung = this.handles
      .filter(({ state }) => state === "opening" || state === "closing")
      .map(({ shard }) => `shard ${shard}`);
    const message =
      `${hung.join(", ")} of ${this.handles.length} had not ${what} within ${timeoutMs} ms: ` +
      "a state machine or the disk holds it up; the data directory stays locked until it ends";
    return new RaftError("ERR_TIMEOUT", message, { outcome: "none" });
  }
}

/** Whether the work ended in time. Rejects if it rejects in time; a late rejection is ignored. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function tellUp(
  shard: ShardHandle,
  call: ControlCall,
  settings: CallSettings,
): Promise<void> {
  if (willBeTold(shard)) return;
  try {
    await shard.control<null>(call, settings);
  } catch (error) {
    if (!willBeTold(shard)) throw error;
  }
}

/** It is down, or not up yet: once it is up, it is told. */
export function willBeTold({ state }: ShardHandle): boolean {
  return state === "opening" || state === "restarting" || state === "failed";
}
