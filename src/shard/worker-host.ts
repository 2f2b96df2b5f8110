/** Gives a shard its real clock, disk, sockets and state machine, and its mail to the engine. */
import { setImmediate, setInterval, clearInterval } from "node:timers";
import type { MessagePort } from "node:worker_threads";
import { Prng, RaftError, errorToWire } from "../base/index.ts";
import type { Incarnation, NodeId, ShardId } from "../base/index.ts";
import { LmdbStore, LmdbThread, SegmentStore, ThreadWork } from "../log/index.ts";
import type { CreateLogStore, Durability, LogStore } from "../log/index.ts";
import { TcpTransport } from "../transport/index.ts";
import type { CredentialOptions } from "../transport/index.ts";
import type { ShardEnvironment } from "./environment.ts";
import { InHand } from "./in-hand.ts";
import type { ShardEvent } from "./mail-records.ts";
import { MailWriter } from "./mail.ts";
import type { ShardOptions } from "./options.ts";
import type { Recovery } from "./recovery.ts";
import { writeEvent } from "./replies.ts";
import { Shard } from "./shard.ts";
import type { CreateStateMachine } from "./state-machine.ts";
import { startWatch } from "./thread-watch.ts";
import type { Watched } from "./thread-watch.ts";

/** Everything a worker is told when it starts; plain data and a port. */
export interface ShardTask {
  readonly mail: MessagePort;
  /** To the thread that writes this shard's log, where it has one. */
  readonly logThread?: MessagePort | undefined;
  /** Writes of its segments that may be in libuv's pool at the same time. */
  readonly poolJobs?: number | undefined;
  readonly cluster: string;
  readonly node: NodeId;
  readonly incarnation: Incarnation;
  /** Of the process. */
  readonly instance: number;
  readonly shard: ShardId;
  readonly shards: number;
  /** Directory of this shard's store. */
  readonly dir: string;
  /** File that says that this shard's store has been made. */
  readonly mark: string;
  readonly durability: Durability;
  readonly store: "lmdb" | "segments";
  readonly mapBytes: number;
  readonly preallocateBytes: number;
  readonly segmentBytes: number;
  readonly indexBytesMax: number;
  readonly host: string;
  readonly port: number;
  /** Whether a stand-in may hold the port until this shard claims it. */
  readonly claimsPort: boolean;
  /** Whether it listens by itself, or takes what the node's relay passes on. */
  readonly relayed: boolean;
  readonly credentials: CredentialOptions;
  readonly stateMachine: string;
  /** Module of the embedder's own log store; undefined for `store`. */
  readonly logStore: string | undefined;
  /** Which of the groups found on disk run at once. */
  readonly recovery: Recovery;
  /** Where the group stands that the thread works for. */
  readonly inHand: SharedArrayBuffer;
  /** Groups whose state machines are watched: see watched-machine.ts. */
  readonly watch: Watched;
  readonly seed: number;
  readonly options: ShardOptions;
}

export async function hostShard(task: ShardTask): Promise<void> {
  const { mail } = task;
  const inHand = new InHand(task.inHand);
  const watch = startWatch(task.watch, inHand);
  const prng = new Prng(task.seed);
  let transport: TcpTransport;
  let shard: Shard;
  try {
    transport = transportOf(task, prng);
    const createStateMachine = watch.machines(await load(task.stateMachine, "createStateMachine"));
    const store = await storeOf(task);
    const parts = { prng, transport, createStateMachine, inHand, store };
    shard = new Shard(environmentOf(task, parts), task.options);
    await shard.open(task.recovery);
  } catch (error) {
    // The error's class would be lost on its way to the other thread; its table entry is not.
    tell(mail, { kind: "openFailed", error: errorToWire(error) });
    mail.close();
    task.logThread?.close();
    watch.end();
    return;
  }
  mail.on("message", (message: ArrayBuffer | MessagePort) => {
    if (message instanceof ArrayBuffer) shard.receive(message);
    else transport.attachRelay(message);
  });
  await shard.ended;
  mail.close();
  task.logThread?.close();
  watch.end();
}

function post(port: MessagePort, buffer: ArrayBuffer): void {
  port.postMessage(buffer, [buffer]);
}

function tell(mail: MessagePort, event: ShardEvent): void {
  const writer = new MailWriter();
  writeEvent(writer, event);
  post(mail, writer.take());
}

/** The engine says nothing else before the shard has opened: what comes is the answer. */
function claimPort(mail: MessagePort): Promise<number> {
  return new Promise((resolve) => {
    mail.once("message", (port: number) => resolve(port));
    tell(mail, { kind: "claimsPort" });
  });
}

function environmentOf(
  task: ShardTask,
  parts: Pick<ShardEnvironment, "prng" | "transport" | "createStateMachine" | "inHand" | "store">,
): ShardEnvironment {
  const { mail, node, incarnation, shard } = task;
  return {
    ...parts,
    node,
    incarnation,
    shard,
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    scheduler: {
      soon: (run) => {
        setImmediate(run);
      },
      every: (ms, run) => {
        const timer = setInterval(run, ms);
        return () => clearInterval(timer);
      },
    },
    post: (buffer) => post(mail, buffer),
  };
}

function transportOf(task: ShardTask, prng: Prng): TcpTransport {
  const { mail, cluster, node, incarnation, shard, shards, options } = task;
  return new TcpTransport({
    cluster,
    node,
    incarnation,
    shard,
    shards,
    host: task.host,
    port: task.claimsPort ? () => claimPort(mail) : task.port,
    relayed: task.relayed,
    prng,
    ...task.credentials,
    instance: task.instance,
    silenceMs: silenceMsOf(options),
    // The transport tells of an emptied queue that was over half its bound: just where the shard
    // stops sending entries.
    sendQueueBytesMax: 2 * options.laneBytesMax,
  });
}

/**
 * How long a connection may be silent: two election timeouts, after which its groups have long
 * looked for a leader without it. Below a second a pause of the other process would look like its
 * end.
 */
function silenceMsOf({ electionTicks, tickMs }: ShardOptions): number {
  return Math.min(Math.max(2 * electionTicks * tickMs, 1_000), 600_000);
}

async function storeOf(task: ShardTask): Promise<LogStore> {
  const { cluster, node, incarnation, shard, shards, durability, dir } = task;
  const identity = { cluster, node, incarnation, shard, shards };
  if (task.logStore !== undefined) {
    const createLogStore = await load(task.logStore, "createLogStore");
    return createLogStore({ dir, identity, durability });
  }
  const { mark, mapBytes, preallocateBytes, segmentBytes, indexBytesMax } = task;
  if (task.store === "segments") {
    const { logThread, poolJobs = 0 } = task;
    const work = logThread && { poolJobs, thread: new ThreadWork(logThread) };
    const sizes = { segmentBytes, indexBytesMax };
    return new SegmentStore({ dir, identity, mark, durability, ...sizes, work });
  }
  const thread = task.logThread && new LmdbThread(task.logThread);
  const work = thread && { thread, nowMs: () => performance.now() };
  const sizes = { mapBytes, preallocateBytes, indexBytesMax };
  return new LmdbStore({ dir, identity, mark, durability, ...sizes, work });
}

/** What the embedder's modules export. */
interface ModuleExports {
  readonly createStateMachine: CreateStateMachine;
  readonly createLogStore: CreateLogStore;
}

async function load<K extends keyof ModuleExports>(
  url: string,
  name: K,
): Promise<ModuleExports[K]> {
  let exports: Partial<ModuleExports>;
  try {
    exports = await import(url);
  } catch (cause) {
    throw new RaftError("ERR_STATE_MACHINE_LOAD", `Cannot import the module ${url}`, { cause });
  }
  const create: ModuleExports[K] | undefined = exports[name];
  if (create === undefined || typeof create !== "function") {
    const message = `The module ${url} does not export a function ${name}`;
    throw new RaftError("ERR_STATE_MACHINE_LOAD", message);
  }
  return create;
}
