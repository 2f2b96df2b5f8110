/**
 * One shard as the main thread sees it: its worker's task, its mail, its calls, and what happens
 * when it crashes:
 *
 *   opening ──► up ◄──► restarting        any of these ──► closing ──► closed
 *      └─────────┴──────────┴──► failed
 *
 * A crash fails every call (a proposal with outcome unknown), and the worker comes back after a
 * pause, without a group that has ended it twice. A shard whose store is dead or cannot be opened
 * has failed: it stays down and says why.
 */
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { RaftError, asError, errorFromWire } from "../base/index.ts";
import type { GroupId, Index, Outcome, WireError } from "../base/index.ts";
import {
  MailReader,
  MailReceipts,
  MailWriter,
  answerKind,
  callFlag,
  callKind,
  callOverheadBytes,
  decodeTrusted,
  encodeTrusted,
  newHandMemory,
  workInHand,
} from "../shard/index.ts";
import type { ControlCall, HeldGroup, ShardEvent, ShardTask } from "../shard/index.ts";
import { outcomeUnanswered } from "./call-effects.ts";
import type { CallKind } from "./call-effects.ts";
import { CallTable } from "./call-table.ts";
import type { BatchResult, CallBounds, NewCall, Proposed, Reject, Resolve } from "./call-table.ts";
import { CrashHistory } from "./crash-history.ts";
import { isPassing } from "./passing-faults.ts";
import { PeerFaults } from "./peer-faults.ts";
import { ResultSlab } from "./result-slab.ts";
import type { ShardStart } from "./shard-task.ts";
import { SignalWatch, aborted } from "./signal-watch.ts";

/** Answer to a read, as the shard gives it. */
export interface ReadAnswer {
  readonly index: Index;
  readonly ageMs: number;
  /** One for each query; an error where the state machine threw. */
  readonly values: readonly (Uint8Array | RaftError)[];
}

export interface CallSettings {
  readonly timeoutMs: number;
  readonly forward: boolean;
  readonly signal: AbortSignal | undefined;
}

export type ShardState = "opening" | "up" | "restarting" | "failed" | "closing" | "closed";

export interface ShardCrash {
  readonly error: Error;
  readonly restartInMs: number;
  /** The group that its worker was at work for; undefined if that was none, or is not known. */
  readonly group: GroupId | undefined;
}

export interface ShardOwner {
  /** Runs a shard's task on a worker until it ends. */
  run(task: ShardTask): Promise<void>;
  taskOf(start: ShardStart): ShardTask;
  /** It is about to bind its port; resolves with that once nobody listens there in its place. */
  releasePort(shard: ShardHandle): Promise<number>;
  onEvent(shard: ShardHandle, event: ShardEvent): void;
  onCrash(shard: ShardHandle, crash: ShardCrash): void;
  onFailure(shard: ShardHandle, error: RaftError): void;
}

/** How often calls are looked at for their deadlines, while any wait. */
const sweepMs = 20;
const nothing = new Uint8Array(0);

interface EntriesCall {
  readonly group: GroupId;
  readonly entries: readonly Uint8Array[];
  readonly bytes: number;
  readonly settings: CallSettings;
}

type CallRequest = Pick<NewCall, "group" | "what" | "bytes" | "control"> & {
  readonly settings: CallSettings;
};

export class ShardHandle {
  readonly shard: number;
  state: ShardState = "opening";
  /** The port it listens on, once known. */
  port: number | undefined;
  /** Which nodes it cannot be linked to, and why. */
  readonly peerFaults: PeerFaults = new PeerFaults();
  private readonly owner: ShardOwner;
  private readonly nowMs: () => number;
  private readonly calls: CallTable;
  private readonly writer: MailWriter = new MailWriter();
  private readonly slab: ResultSlab = new ResultSlab();
  private readonly receipts: MailReceipts;
  private readonly signals: SignalWatch = new SignalWatch();
  /** Calls with a signal that have not left, and where their timeout stands in the mail. */
  private readonly unposted: Map<number, number> = new Map();
  private mail: MessagePort | undefined;
  private flushScheduled = false;
  private turnMs = 0;
  private failure: RaftError | undefined;
  private readonly history: CrashHistory;
  /** Where the present worker says which group it works for. */
  private inHand: SharedArrayBuffer = newHandMemory();
  private restartTimer: NodeJS.Timeout | undefined;
  /** Why the present worker could not open again; its task is ending, and then it is tried anew. */
  private comebackFailure: RaftError | undefined;
  private sweepTimer: NodeJS.Timeout | undefined;
  private opened: { resolve: () => void; reject: (error: RaftError) => void } | undefined;
  /** The task of the present worker; settled when it has ended. */
  private task: Promise<void> = Promise.resolve();

  constructor(
    shard: number,
    { shardBytesMax, ...bounds }: CallBounds & { readonly shardBytesMax: number },
    owner: ShardOwner,
    nowMs: () => number = () => performance.now(),
  ) {
    this.shard = shard;
    this.owner = owner;
    this.nowMs = nowMs;
    this.calls = new CallTable(bounds);
    this.history = new CrashHistory(nowMs);
    this.receipts = new MailReceipts(shardBytesMax);
  }

  /** Starts the worker; resolves when its store is open and its port bound. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.opened = { resolve, reject };
      this.spawn();
    });
  }

  private spawn(): void {
    const { port1, port2 } = new MessageChannel();
    this.mail = port1;
    this.receipts.reset();
    // What a worker that crashed had still sent must not meet the calls of its successor.
    port1.on("message", (buffer: ArrayBuffer) => {
      if (this.mail === port1) this.receive(buffer);
    });
    this.inHand = newHandMemory();
    const { shard, port, inHand, held } = this;
    const { watched } = this.history;
    const task = this.owner.taskOf({ shard, mail: port2, port, inHand, held, watched });
    this.task = this.owner.run(task).then(
      () => this.onTaskEnd(),
      (error: unknown) => this.onCrash(asError(error)),
    );
  }

  private onTaskEnd(): void {
    this.detach();
    const { comebackFailure } = this;
    this.comebackFailure = undefined;
    if (this.state === "restarting" && comebackFailure !== undefined) {
      this.restartLater(comebackFailure, undefined);
      return;
    }
    if (this.state === "closing") this.state = "closed";
    if (this.state === "up" || this.state === "opening" || this.state === "restarting") {
      this.fail(new RaftError("ERR_INTERNAL", `Shard ${this.shard} ended without being told to`));
    }
    this.failCalls();
  }

  /** The worker is gone with everything that was on its way through it; its disk is not. */
  private onCrash(cause: Error): void {
    this.detach();
    const message = `Shard ${this.shard}'s worker ended: ${cause.message}`;
    const error = new RaftError("ERR_SHARD_CRASHED", message, { cause });
    if (this.state === "closing") this.state = "closed";
    if (this.state === "closed" || this.state === "failed") {
      this.failCalls(error);
      return;
    }
    const hand = workInHand(this.inHand);
    const { history } = this;
    // A first start is tried again only where that can find a group to hold.
    const isHopeless = hand === undefined ? history.watchesAll : history.holds(hand.group);
    if (this.state === "opening" && isHopeless) {
      this.fail(error);
      return;
    }
    history.note({ hand, cause });
    if (this.state !== "opening") this.state = "restarting";
    this.failCalls(error);
    this.restartLater(cause, hand?.group);
  }

  private restartLater(error: Error, group: GroupId | undefined): void {
    const restartInMs = this.history.takePauseMs();
    this.restartTimer = setTimeout(() => this.spawn(), restartInMs);
    this.owner.onCrash(this, { error, restartInMs, group });
  }

  /** Groups that do not run, since they have ended its worker. */
  get held(): readonly HeldGroup[] {
    return this.history.held;
  }

  /**
   * The end of a task travels another way than its mail and may be faster. What the shard had said
   * by then stands: why it could not open, and that calls were carried out.
   */
  private detach(): void {
    this.drain();
    this.mail?.close();
    this.mail = undefined;
  }

  /**
   * Reads the mail that has arrived and not been told yet. After a stall of this thread timers come
   * before messages: without this they would end calls whose answers are there.
   */
  drain(): void {
    const { mail } = this;
    if (mail === undefined) return;
    for (;;) {
      const late: { message: ArrayBuffer } | undefined = receiveMessageOnPort(mail);
      if (late === undefined) return;
      this.receive(late.message);
    }
  }

  private fail(error: RaftError): void {
    this.state = "failed";
    this.failure = error;
    this.failCalls(error);
    this.opened?.reject(error);
    this.opened = undefined;
    this.owner.onFailure(this, error);
  }

  /** Hands it its end of a port to the node's relay. */
  takeRelay(port: MessagePort): void {
    if (this.mail === undefined) port.close();
    else this.mail.postMessage(port, [port]);
  }

  /** Why it has failed; undefined unless it has. */
  get failed(): RaftError | undefined {
    return this.state === "failed" ? this.failure : undefined;
  }

  private failCalls(error: RaftError = this.downError("unknown")): void {
    this.calls.failAll((what) => error.withOutcome(outcomeUnanswered(what)));
  }

  /** Why no call can be made now. */
  private downError(outcome: Outcome): RaftError {
    switch (this.state) {
      case "failed": {
        const failure = this.failure ?? new RaftError("ERR_INTERNAL", "unknown failure");
        return failure.withOutcome(outcome);
      }
      case "closing":
      case "closed":
        return new RaftError("ERR_ENGINE_CLOSED", "The engine is closed", { outcome });
      default: {
        const message = `Shard ${this.shard} is restarting after a crash`;
        return new RaftError("ERR_SHARD_CRASHED", message, { outcome });
      }
    }
  }

  /**
   * Proposes one or more commands to a group; resolves with a `Proposed`, or for `batch` with a
   * `BatchResult[]`.
   */
  propose(
    group: GroupId,
    commands: readonly Uint8Array[],
    settings: CallSettings,
  ): Promise<Proposed> {
    return new Promise<Proposed>((resolve, reject) => {
      const bytes = bytesOf(commands);
      const slot = this.newCall({ group, what: "proposal", bytes, settings }, resolve, reject);
      if (slot === 0) return;
      this.writeEntries(callKind.propose, slot, { group, entries: commands, bytes, settings });
    });
  }

  proposeBatch(
    group: GroupId,
    commands: readonly Uint8Array[],
    settings: CallSettings,
  ): Promise<BatchResult[]> {
    return new Promise<BatchResult[]>((resolve, reject) => {
      const bytes = bytesOf(commands);
      const slot = this.newCall({ group, what: "proposal", bytes, settings }, resolve, reject);
      if (slot === 0) return;
      this.calls.expectBatch(slot, commands.length);
      this.writeEntries(callKind.propose, slot, { group, entries: commands, bytes, settings });
    });
  }

  /** A call of commands or queries. */
  private writeEntries(kind: number, slot: number, call: EntriesCall): void {
    const { group, entries, bytes, settings } = call;
    const { writer } = this;
    if (!this.beginRecord(kind, slot, bytes)) return;
    writer.word(group);
    writer.word(slot);
    writer.word(settings.forward ? callFlag.forward : 0);
    if (settings.signal !== undefined) this.unposted.set(slot, writer.position);
    writer.word(settings.timeoutMs);
    writer.word(entries.length);
    writer.entries(entries);
    this.scheduleFlush();
  }

  /** Makes room for a call's record; if there is no memory for it, the call has failed. */
  private beginRecord(kind: number, slot: number, bytes: number): boolean {
    try {
      this.writer.begin(kind, bytes);
      return true;
    } catch (cause) {
      const message = `There is no memory for a call of ${bytes} bytes to shard ${this.shard}`;
      this.calls.fail(slot, new RaftError("ERR_BUSY", message, { cause }));
      return false;
    }
  }

  /** Asks a group one or more queries, all answered from one state. */
  read(
    group: GroupId,
    queries: readonly Uint8Array[],
    settings: CallSettings,
  ): Promise<ReadAnswer> {
    return new Promise<ReadAnswer>((resolve, reject) => {
      const bytes = bytesOf(queries);
      const slot = this.newCall({ group, what: "read", bytes, settings }, resolve, reject);
      if (slot === 0) return;
      this.writeEntries(callKind.read, slot, { group, entries: queries, bytes, settings });
    });
  }

  readLocal(group: GroupId, query: Uint8Array, settings: CallSettings): Promise<ReadAnswer> {
    return new Promise<ReadAnswer>((resolve, reject) => {
      const bytes = bytesOf([query]);
      const slot = this.newCall({ group, what: "read", bytes, settings }, resolve, reject);
      if (slot === 0) return;
      const { writer } = this;
      if (!this.beginRecord(callKind.readLocal, slot, bytes)) return;
      writer.word(group);
      writer.word(slot);
      writer.entries([query]);
      this.scheduleFlush();
    });
  }

  /** A rare call as an object; the caller knows the type of its answer. */
  control<T>(call: ControlCall, settings: CallSettings): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const group = "group" in call ? call.group : undefined;
      const request = { group, what: call.kind, bytes: 0, settings, control: true };
      const slot = this.newCall(request, resolve, reject);
      if (slot === 0) return;
      const bytes = encodeTrusted(call);
      if (!this.beginRecord(callKind.control, slot, bytes.length)) return;
      this.writer.word(slot);
      this.writer.block(bytes);
      this.scheduleFlush();
    });
  }

  /**
   * Needs no slot: a full table must not keep a shard from closing, and that its task ends is the
   * answer.
   */
  private sendClose(): void {
    const call: ControlCall = { kind: "close" };
    const bytes = encodeTrusted(call);
    this.writer.begin(callKind.control, bytes.length);
    this.writer.word(0);
    this.writer.block(bytes);
    this.scheduleFlush();
  }

  /** Takes a slot for a call; 0 where it was refused and has been rejected. */
  private newCall(
    { group, what, bytes, settings, control }: CallRequest,
    resolve: Resolve,
    reject: Reject,
  ): number {
    const { signal, timeoutMs } = settings;
    if (this.mail === undefined || this.state !== "up") {
      reject(this.downError("none"));
      return 0;
    }
    if (signal?.aborted === true) {
      reject(aborted(what, signal, "none"));
      return 0;
    }
    // The clock is asked once a turn of the event loop: calls that leave together began together.
    if (!this.flushScheduled) this.turnMs = this.nowMs();
    const call: NewCall = { group, what, bytes, control, deadlineMs: this.turnMs + timeoutMs };
    let slot: number;
    try {
      slot = this.calls.open(call, resolve, reject);
    } catch (error) {
      reject(error instanceof RaftError ? error : new RaftError("ERR_INTERNAL", String(error)));
      return 0;
    }
    if (signal !== undefined) this.watch(slot, signal, what);
    this.sweepLater();
    return slot;
  }

  private watch(slot: number, signal: AbortSignal, what: CallKind): void {
    const unwatch = this.signals.watch(signal, () => {
      const outcome = this.takeBack(slot) ? "none" : outcomeUnanswered(what);
      this.calls.abandon(slot, aborted(what, signal, outcome));
    });
    this.calls.onSettled(slot, unwatch);
  }

  /**
   * Takes back an aborted call; true if it has surely had no effect, since it has not left yet. One
   * that has left is not waited for: the shard drops it if it is not in the log.
   */
  private takeBack(slot: number): boolean {
    const place = this.unposted.get(slot);
    if (place !== undefined) {
      this.writer.fill(place, 0);
      return true;
    }
    this.writer.begin(callKind.cancel, 0);
    this.writer.word(slot);
    this.scheduleFlush();
    return false;
  }

  /**
   * One buffer for everything that is called in this turn of the event loop, or several if that is
   * much.
   */
  private scheduleFlush(): void {
    if (this.writer.full) this.post();
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    setImmediate(() => {
      this.flushScheduled = false;
      this.post();
    });
  }

  private post(): void {
    if (this.writer.count === 0) return;
    if (this.unposted.size > 0) this.unposted.clear();
    const buffer = this.writer.take(this.nowMs());
    this.mail?.postMessage(buffer, [buffer]);
  }

  private receive(buffer: ArrayBuffer): void {
    const reader = new MailReader(buffer);
    while (!reader.done) {
      const kind = reader.word();
      if (kind === answerKind.applied) this.takeApplied(reader);
      else if (kind === answerKind.event) {
        reader.block();
        this.takeEvent(decodeTrusted<ShardEvent>(reader.view()));
      } else this.takeAnswer(kind, reader);
    }
    if (this.receipts.note(reader, this.writer)) this.scheduleFlush();
  }

  private takeApplied(reader: MailReader): void {
    const slot = reader.word();
    const first = reader.double();
    const count = reader.word();
    for (let index = first; index < first + count; index += 1) {
      const result: BatchResult = reader.result()
        ? errorIn(reader)
        : { index, value: this.copyOf(reader) };
      this.calls.applied(slot, result);
    }
  }

  private copyOf({ bytes, start, end }: MailReader): Uint8Array {
    return start === end ? nothing : this.slab.copy(bytes, start, end);
  }

  /** One error for all its calls. */
  private takeFailed(reader: MailReader): void {
    const count = reader.word();
    reader.block();
    const error = errorIn(reader);
    for (let call = 0; call < count; call += 1) this.calls.fail(reader.word(), error);
  }

  private takeAnswer(kind: number, reader: MailReader): void {
    if (kind === answerKind.failed) {
      this.takeFailed(reader);
      return;
    }
    const slot = reader.word();
    if (kind === answerKind.values) {
      const index = reader.double();
      const ageMs = reader.double();
      const values: (Uint8Array | RaftError)[] = [];
      for (let missing = reader.word(); missing > 0; missing -= 1) {
        values.push(reader.result() ? errorIn(reader) : this.copyOf(reader));
      }
      this.calls.succeed(slot, { index, ageMs, values });
      return;
    }
    reader.block();
    this.calls.succeed(slot, decodeTrusted<unknown>(reader.view()));
  }

  private takeEvent(event: ShardEvent): void {
    if (event.kind === "opened") {
      this.port = event.port;
      if (this.state === "closing") {
        this.sendClose();
        return;
      }
      this.state = "up";
      this.history.up();
      this.peerFaults.clear();
      this.owner.onEvent(this, event);
      const { opened } = this;
      this.opened = undefined;
      opened?.resolve();
      return;
    }
    if (event.kind === "claimsPort") {
      const { mail } = this;
      void this.owner.releasePort(this).then((port) => mail?.postMessage(port));
      return;
    }
    if (event.kind === "openFailed" || event.kind === "failed") {
      const error = errorFromWire(event.error);
      if (this.state === "restarting" && isPassing(error)) this.comeBackLater(error);
      else this.fail(error);
      return;
    }
    if (event.kind === "groupStarted") this.history.started(event.group);
    if (event.kind === "groupRemoved") this.history.removed(event.group);
    this.peerFaults.take(event);
    this.owner.onEvent(this, event);
  }

  /**
   * A shard that has been up opens again sooner or later: what was taken or used up will be free.
   * If its port was the system's choice, another one will do.
   */
  private comeBackLater(error: RaftError): void {
    this.comebackFailure = error;
    if (error.code === "ERR_PORT_IN_USE") this.port = undefined;
  }

  /** An idle engine has no timer that wakes it. */
  private sweepLater(): void {
    this.sweepTimer ??= setTimeout(() => {
      this.sweepTimer = undefined;
      this.drain();
      this.calls.sweep(this.nowMs(), this.peerFaults.describe());
      if (this.calls.count > 0) this.sweepLater();
    }, sweepMs).unref();
  }

  /**
   * Tells the shard to stop and waits until its worker's task has ended. It is never terminated: a
   * thread that dies while LMDB writes takes the process with it.
   */
  async close(): Promise<void> {
    clearTimeout(this.restartTimer);
    if (this.state === "up") this.sendClose();
    // A worker that is just starting is told when it has opened.
    if (this.state !== "failed" && this.state !== "closed") this.state = "closing";
    await this.task;
    if (this.state === "closing") this.state = "closed";
    this.failCalls();
  }
}

/** What a call holds in memory, and no less than it takes in the mail. */
function bytesOf(entries: readonly Uint8Array[]): number {
  let bytes = callOverheadBytes;
  for (const entry of entries) bytes += entry.length + 5;
  return bytes;
}

function errorIn(reader: MailReader): RaftError {
  return errorFromWire(decodeTrusted<WireError>(reader.view()));
}
