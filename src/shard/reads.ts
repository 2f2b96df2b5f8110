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
}

interface ConfirmedReads {
  readonly index: Index;
  readonly reads: readonly Read[];
}

export class Reads {
  private open: Read[] = [];
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
    this.confirmed.push({ index, reads });
  }

  /** The oldest confirmed reads that may run when `applied` is applied, or undefined. */
  takeRunnable(applied: Index): readonly Read[] | undefined {
    const first = this.confirmed[0];
    if (first === undefined || first.index > applied) return undefined;
    this.confirmed.shift();
    return first.reads;
  }

  /** Everything that waits, in order of arrival; nothing waits afterwards. */
  takeAll(): Read[] {
    const all = [
      ...this.confirmed.flatMap(({ reads }) => reads),
      ...this.asked.values.flat(),
      ...this.open,
    ];
    this.confirmed = [];
    this.asked.clear();
    this.open = [];
    return all;
  }
}
