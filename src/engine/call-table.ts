/**
 * The calls of one shard that wait for their answers, in arrays by slot, since a call must not cost
 * objects. A call whose caller has given up (deadline, abort) keeps its slot until the shard
 * answers: then no late answer can meet a newer call.
 */
import { RaftError, assert } from "../base/index.ts";
import type { GroupId, Index } from "../base/index.ts";
import { outcomeUnanswered } from "./call-effects.ts";
import type { CallKind } from "./call-effects.ts";

/** Result of a proposal. */
export interface Proposed {
  /** Index of the entry in its group's log. */
  readonly index: Index;
  /** What the state machine returned; empty where it returned nothing. */
  readonly value: Uint8Array;
}

const slotFree = 0;
const slotWaiting = 1;
const slotAbandoned = 2;

/**
 * Each slot's function takes its own kind of value, and who fills a slot knows which. A method's
 * type says so without a cast: its parameters are compared in both directions.
 */
interface Settling {
  resolve(value: unknown): void;
}
export type Resolve = Settling["resolve"];
export type Reject = (error: RaftError) => void;

/** One entry of a batch, as it was answered. */
export type BatchResult = Proposed | RaftError;

export interface NewCall {
  readonly group: GroupId | undefined;
  readonly deadlineMs: number;
  readonly what: CallKind;
  /** Memory that it takes until it is answered; 0 for an operator's call. */
  readonly bytes: number;
  /** Of the operator and not of the load: has a slot where all others are taken. @default false */
  readonly control?: boolean | undefined;
}

/** What the calls of one shard may take. */
export interface CallBounds {
  readonly callsMax: number;
  readonly bytesMax: number;
}

/** Slots beyond `callsMax`, so that an overloaded shard can still be asked how it is. */
const controlCallsMax = 256;

export class CallTable {
  private readonly callsMax: number;
  private readonly bytesMax: number;
  /** Of all calls that have a slot. */
  private bytes = 0;
  /** Slot 0 is not used: a reply to 0 is no reply. */
  private states: number[] = [slotAbandoned];
  private resolves: (Resolve | undefined)[] = [undefined];
  private rejects: (Reject | undefined)[] = [undefined];
  private deadlines: number[] = [0];
  private whats: CallKind[] = ["start"];
  private sizes: number[] = [0];
  private groups: (GroupId | undefined)[] = [undefined];
  private free: number[] = [];
  /** Results each call expects; 0 for a call that is no batch. */
  private expected: number[] = [0];
  /** The results so far of the calls that are batches. */
  private batches: (BatchResult[] | undefined)[] = [undefined];
  private readonly cleanups: Map<number, () => void> = new Map();

  constructor({ callsMax, bytesMax }: CallBounds) {
    this.callsMax = callsMax;
    this.bytesMax = bytesMax;
  }

  /**
   * Calls that have a slot: those that wait, and those given up that the shard has not answered
   * yet.
   */
  get count(): number {
    return this.states.length - 1 - this.free.length;
  }

  /**
   * Takes a slot.
   * @throws ERR_BUSY if all are taken, or if the calls hold too many bytes
   */
  open(
    { group, deadlineMs, what, bytes, control = false }: NewCall,
    resolve: Resolve,
    reject: Reject,
  ): number {
    if (this.count >= this.callsMax + (control ? controlCallsMax : 0)) {
      throw new RaftError("ERR_BUSY", `${this.callsMax} calls of this shard wait (callsMax)`);
    }
    if (this.bytes >= this.bytesMax && bytes > 0) {
      const message = `Calls of this shard that wait hold ${this.bytes} bytes (a quarter of shardBytesMax)`;
      throw new RaftError("ERR_BUSY", message);
    }
    const slot = this.free.pop() ?? this.states.length;
    this.states[slot] = slotWaiting;
    this.resolves[slot] = resolve;
    this.rejects[slot] = reject;
    this.deadlines[slot] = deadlineMs;
    this.whats[slot] = what;
    this.sizes[slot] = bytes;
    this.bytes += bytes;
    this.groups[slot] = group;
    this.expected[slot] = 0;
    this.batches[slot] = undefined;
    return slot;
  }

  /** The call expects `count` results and resolves with all of them. */
  expectBatch(slot: number, count: number): void {
    this.expected[slot] = count;
    this.batches[slot] = [];
  }

  /** Runs when the call settles. */
  onSettled(slot: number, cleanup: () => void): void {
    this.cleanups.set(slot, cleanup);
  }

  /** The shard's answer to a call of one result, or one of a batch's. */
  applied(slot: number, result: BatchResult): void {
    const batch = this.batches[slot];
    if (batch !== undefined) {
      batch.push(result);
      if (batch.length === this.expected[slot]) this.succeed(slot, batch);
    } else if (result instanceof RaftError) this.fail(slot, result);
    else this.succeed(slot, result);
  }

  succeed(slot: number, value: unknown): void {
    const resolve = this.resolves[slot];
    const waiting = this.states[slot] === slotWaiting;
    this.release(slot);
    if (waiting) resolve?.(value);
  }

  fail(slot: number, error: RaftError): void {
    const reject = this.rejects[slot];
    const waiting = this.states[slot] === slotWaiting;
    this.release(slot);
    if (waiting) reject?.(error);
  }

  /** The caller stops waiting; the slot stays taken until the shard answers. */
  abandon(slot: number, error: RaftError): void {
    if (this.states[slot] !== slotWaiting) return;
    const reject = this.rejects[slot];
    this.states[slot] = slotAbandoned;
    this.resolves[slot] = undefined;
    this.rejects[slot] = undefined;
    this.cleanup(slot);
    reject?.(error);
  }

  /**
   * Gives up every call whose deadline has passed.
   * @param why what may have kept them from being answered, to be appended
   */
  sweep(nowMs: number, why = ""): void {
    for (let slot = 1; slot < this.states.length; slot += 1) {
      if (this.states[slot] !== slotWaiting || (this.deadlines[slot] ?? 0) > nowMs) continue;
      const group = this.groups[slot];
      const where = group === undefined ? "" : ` of group ${group}`;
      const message = `${this.whats[slot] ?? ""}${where} was not answered before its deadline${why}`;
      const outcome = outcomeUnanswered(this.whats[slot] ?? "proposal");
      this.abandon(slot, new RaftError("ERR_TIMEOUT", message, { outcome }));
    }
  }

  /** The shard is gone and will answer nothing: every call fails and every slot is free. */
  failAll(makeError: (what: CallKind) => RaftError): void {
    for (let slot = 1; slot < this.states.length; slot += 1) {
      if (this.states[slot] !== slotFree)
        this.fail(slot, makeError(this.whats[slot] ?? "proposal"));
    }
    assert(this.count === 0, "no call is left");
  }

  private release(slot: number): void {
    assert(this.states[slot] !== slotFree, `call ${slot} is answered once`);
    this.states[slot] = slotFree;
    this.resolves[slot] = undefined;
    this.rejects[slot] = undefined;
    this.batches[slot] = undefined;
    this.bytes -= this.sizes[slot] ?? 0;
    this.cleanup(slot);
    this.free.push(slot);
  }

  private cleanup(slot: number): void {
    if (this.cleanups.size === 0) return;
    this.cleanups.get(slot)?.();
    this.cleanups.delete(slot);
  }
}
