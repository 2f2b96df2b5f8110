/**
 * Linearizable reads of one replica: `open` until a round asks for a read index, `asked` until a
 * quorum has confirmed the leader, `confirmed` until the state machine has applied that index. All
 * reads of a round share one ticket.
 */
import { SmallMap } from "../base/index.ts";
import type { Index } from "../base/index.ts";
import type { ReplyTo } from "./replies.ts";

/** A call that asks one or more queries, all to be answered from one state. */
export interface Read {
  readonly replyTo: ReplyTo;
  readonly count: number;
  /** The queries as a CBOR sequence of byte strings. */
  readonly queries: Uint8Array;
  /** Of this replica as it is: neither confirmed nor waiting for anything. @default false */
  readonly local?: boolean;
}

interface ConfirmedReads {
  readonly index: Index;
  readonly reads: readonly Read[];
  /** How many of them have been taken. */
  taken: number;
}

/** Shared by all replicas without local reads; never added to. */
const nothing: Read[] = [];

export class Reads {
  private open: Read[] = [];
  /** Local reads, and how many of them have been taken. */
  private local: Read[] = nothing;
  private localTaken = 0;
  private readonly asked: SmallMap<number, readonly Read[]> = new SmallMap();
  private confirmed: ConfirmedReads[] = [];
  private nextTicket = 1;

  get hasOpen(): boolean {
    return this.open.length > 0;
  }

  add(read: Read): void {
    this.open.push(read);
  }

  /** Gives all open reads one ticket and returns it. */
  ask(): number {
    const ticket = this.nextTicket;
    this.nextTicket += 1;
    this.asked.set(ticket, this.open);
    this.open = [];
    return ticket;
  }

  confirm(ticket: number, index: Index): void {
    const reads = this.asked.get(ticket);
    if (reads === undefined) return;
    this.asked.delete(ticket);
    if (reads.length > 0) this.confirmed.push({ index, reads, taken: 0 });
  }

  /** A read that may run at once, whatever is applied. */
  addLocal(read: Read): void {
    if (this.local === nothing) this.local = [read];
    else this.local.push(read);
  }

  /** Whether a read may run when `applied` is applied. */
  canRun(applied: Index): boolean {
    const first = this.confirmed[0];
    return this.localTaken < this.local.length || (first !== undefined && first.index <= applied);
  }

  /** Who asked for what `takeRunnable` would return. */
  nextRunnable(applied: Index): ReplyTo | undefined {
    const local = this.local[this.localTaken];
    if (local !== undefined) return local.replyTo;
    const first = this.confirmed[0];
    const isApplied = first !== undefined && first.index <= applied;
    return isApplied ? first.reads[first.taken]?.replyTo : undefined;
  }

  /** The next read that may run when `applied` is applied: local ones first, then the oldest. */
  takeRunnable(applied: Index): Read | undefined {
    const local = this.local[this.localTaken];
    if (local !== undefined) {
      this.localTaken += 1;
      if (this.localTaken === this.local.length) this.forgetLocal();
      return local;
    }
    const first = this.confirmed[0];
    if (first === undefined || first.index > applied) return undefined;
    const read = first.reads[first.taken];
    first.taken += 1;
    if (first.taken >= first.reads.length) this.confirmed.shift();
    return read;
  }

  private forgetLocal(): void {
    this.local = nothing;
    this.localTaken = 0;
  }

  /** What waits for a leader, in order of arrival; none of it waits afterwards. */
  takeLed(): Read[] {
    const all = [
      ...this.confirmed.flatMap(({ reads, taken }) => reads.slice(taken)),
      ...this.asked.values.flat(),
      ...this.open,
    ];
    this.confirmed = [];
    this.asked.clear();
    this.open = [];
    return all;
  }

  /** The local reads; none waits afterwards. */
  takeLocal(): Read[] {
    const all = this.local.slice(this.localTaken);
    this.forgetLocal();
    return all;
  }
}
