/**
 * The thread that has the node's one port and passes on to each shard what comes for it: see Relay.
 * A thread of its own, so that no shard waits for the disk or the state machines of another one.
 *
 *   open ──► listening ──► a shard is up: both get an end of a port ──► … ──► close
 *                │▲
 *                ▼│ after a pause, on the same port; then every shard that is up gets a new end
 *              crashed: all connections that it had accepted are gone
 */
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import type { MessagePort, Worker } from "node:worker_threads";
import { RaftError, asError, errorFromWire } from "../base/index.ts";
import type { ShardId } from "../base/index.ts";
import type { ControlCall } from "../shard/index.ts";
import type { NodePort, PortShard } from "./node-port.ts";
import type { RelayTask, RelayThreadOrder, RelayThreadReport } from "./relay-orders.ts";
import { RestartPause } from "./restart-pause.ts";

export interface RelayOwner {
  /** Starts a thread with the task. */
  start(task: RelayTask): Worker;
  /** What to tell it: where to listen, who this node is. Port 0 lets the system choose. */
  optionsOf(port: number): RelayTask["options"];
  onCrash(error: Error, restartInMs: number): void;
}

interface Life {
  readonly worker: Worker;
  readonly orders: MessagePort;
  readonly ended: Promise<void>;
  readonly sinceMs: number;
}

export class RelayThread implements NodePort {
  readonly #owner: RelayOwner;
  #port: number;
  readonly #up = new Map<ShardId, PortShard>();
  #nodes = 0;
  #life: Life | undefined;
  readonly #pause = new RestartPause();
  #restart: NodeJS.Timeout | undefined;
  #opening: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param port 0 to let the system choose */
  constructor(port: number, owner: RelayOwner) {
    this.#port = port;
    this.#owner = owner;
  }

  /** The node's port, once it is bound. */
  get port(): number {
    return this.#port;
  }

  /**
   * Starts the thread and binds the port.
   * @throws ERR_PORT_IN_USE, ERR_LISTEN_FAILED, ERR_OPTION_INVALID; ERR_SHARD_CRASHED if there can
   * be no thread
   */
  open(): Promise<void> {
    this.#opening = this.#start();
    return this.#opening;
  }

  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { port1: orders, port2 } = new MessageChannel();
      let worker: Worker;
      try {
        worker = this.#owner.start({ orders: port2, options: this.#owner.optionsOf(this.#port) });
      } catch (cause) {
        orders.close();
        reject(threadless(asError(cause)));
        return;
      }
      const ended = new Promise<void>((settle) => {
        let fault = new Error("it ended without being told to");
        worker.on("error", (error) => {
          fault = asError(error);
        });
        worker.once("exit", () => {
          // The end travels another way than what was said before it, and may be faster.
          const late: { message: RelayThreadReport } | undefined = receiveMessageOnPort(orders);
          if (late?.message.kind === "failed") reject(errorFromWire(late.message.error));
          orders.close();
          settle();
          reject(threadless(fault));
          if (this.#life?.worker === worker) this.#onCrash(fault, this.#life);
        });
      });
      orders.on("message", (report: RelayThreadReport) => {
        if (report.kind === "failed") {
          reject(errorFromWire(report.error));
          return;
        }
        this.#port = report.port;
        this.#life = { worker, orders, ended, sinceMs: performance.now() };
        this.#begin();
        resolve();
      });
    });
  }

  onUp(shard: PortShard): void {
    this.#up.set(shard.shard, shard);
    this.#attach(shard);
  }

  /** The thread hears of it by the end of the shard's port. */
  onDown({ shard }: PortShard): Promise<void> {
    this.#up.delete(shard);
    return Promise.resolve();
  }

  setDirectory(): void {
    // Whichever shard is asked tells it.
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  /** What the shards are told, too. */
  tell(call: ControlCall): void {
    if (call.kind === "setPeers") {
      this.#nodes = Object.keys(call.addresses).length;
      this.#order({ kind: "expect", nodes: this.#nodes });
    } else if (call.kind === "renewCredentials") this.#order(call);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#restart);
    await this.#opening.catch(() => {});
    const life = this.#life;
    this.#order({ kind: "close" });
    this.#life = undefined;
    await life?.ended;
  }

  #begin(): void {
    this.#order({ kind: "expect", nodes: this.#nodes });
    for (const shard of this.#up.values()) this.#attach(shard);
  }

  #attach(shard: PortShard): void {
    if (this.#life === undefined) return;
    const { port1, port2 } = new MessageChannel();
    shard.takeRelay(port1);
    this.#order({ kind: "attach", shard: shard.shard, port: port2 }, [port2]);
  }

  #order(order: RelayThreadOrder, transferList: MessagePort[] = []): void {
    this.#life?.orders.postMessage(order, transferList);
  }

  #onCrash(fault: Error, life?: Life): void {
    this.#life = undefined;
    if (life !== undefined) this.#pause.crashed(performance.now() - life.sinceMs);
    const pauseMs = this.#pause.takeMs();
    this.#owner.onCrash(fault, pauseMs);
    this.#restart = setTimeout(() => {
      this.open().catch((error: unknown) => {
        if (!this.#isClosed) this.#onCrash(asError(error));
      });
    }, pauseMs);
  }
}

function threadless(cause: Error): RaftError {
  const message = `There is no thread for the node's port: ${cause.message}`;
  return new RaftError("ERR_SHARD_CRASHED", message, { cause, outcome: "none" });
}
