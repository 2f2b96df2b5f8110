/**
 * Decides whether a concurrent history is linearizable (Herlihy and Wing 1990): whether each
 * operation can be given one moment between its call and its return at which it takes effect, so
 * that a sequential model, given the operations in that order, answers what the clients were told.
 *
 * The search is that of Wing and Gong (1993): take any operation that was called before the
 * earliest return that is left, apply it, go on; go back where nothing fits. Lowe (2017) adds the
 * memo: a set of placed operations with the state they led to is tried once. Horn and Kroening
 * (2015) add that keys may be judged apart (`register.ts` does), since linearizability is local.
 * The linked lists and the order of the walk are those of Porcupine (Athalye).
 *
 * What is added here: operations of unknown outcome, which may take effect at any time after their
 * call or never. They need not be placed, and are tried only where no answered operation leads on.
 * And a read that fits is never reconsidered.
 *
 * The search is exponential in the worst case, so it has a budget: of steps and not of time, so
 * that a verdict repeats. A budget that ends is a verdict of its own and no pass.
 *
 *   M. Herlihy, J. Wing: Linearizability: a correctness condition for concurrent objects. TOPLAS
 *   12(3), 1990.
 *   J. Wing, C. Gong: Testing and verifying concurrent objects. J. Parallel Distrib.
 *   Comput. 17, 1993.
 *   A. Horn, D. Kroening: Faster linearizability checking via P-compositionality. FORTE 2015.
 *   G. Lowe: Testing for linearizability. Concurrency Computat.: Pract. Exper. 29(4), 2017.
 */
import { assert } from "../../base/index.ts";
import { lift, listEvents, unlift } from "./event-list.ts";
import type { Event, EventLists, Interval } from "./event-list.ts";
import { Memo } from "./memo.ts";

export interface Step<State> {
  /** Whether the operation can have had its answer in that state. */
  readonly ok: boolean;
  readonly state: State;
}

/** A sequential object, of whose states none is ever changed. */
export interface Model<State, Op> {
  readonly initial: State;
  step(state: State, operation: Op): Step<State>;
  /** Whether the operation, with the answer that it had, changes no state in which it fits. */
  isRead(operation: Op): boolean;
  equal(a: State, b: State): boolean;
  /** Equal states have equal hashes. */
  hash(state: State): number;
}

export type Linearizability<State, Op> =
  | { readonly verdict: "linearizable"; readonly steps: number }
  | { readonly verdict: "undecided"; readonly steps: number }
  | NotLinearizable<State, Op>;

export interface NotLinearizable<State, Op> {
  readonly verdict: "violation";
  readonly steps: number;
  /** No order that fits reaches beyond the return of this operation. */
  readonly blockedAt: Op;
  /** The longest order that reaches it, and the state it leads to. */
  readonly longest: readonly Op[];
  readonly state: State;
}

/** Steps that one history may take. The memo grows with them: by some 150 bytes each. */
export const stepsMaxDefault = 2_000_000;

export function checkLinearizable<State, Op>(
  model: Model<State, Op>,
  intervals: readonly Interval<Op>[],
  stepsMax: number = stepsMaxDefault,
): Linearizability<State, Op> {
  return new Search(model, listEvents(intervals)).run(stepsMax);
}

/** An operation that was given its place, and the state before it. */
interface Placed<State> {
  readonly call: Event;
  /**
   * A read that fits goes first: an order in which it comes later remains one when it is moved
   * here, so nothing else has to be tried in its place.
   */
  readonly isRead: boolean;
  readonly stateBefore: State;
}

class Search<State, Op> {
  private readonly model: Model<State, Op>;
  private readonly lists: EventLists<Op>;
  private readonly memo: Memo<State>;
  private readonly placed: Placed<State>[] = [];
  private state: State;
  private answeredLeft: number;
  private steps = 0;
  /** The latest return that was reached while its operation had no place. */
  private blockedAt: Event | undefined;
  /** The longest order that led there, and the state after it. */
  private longest: Event[] = [];
  private longestState: State;
  /** So many operations of `longest` are, at the same places, in `placed`. */
  private shared = 0;

  constructor(model: Model<State, Op>, lists: EventLists<Op>) {
    this.model = model;
    this.lists = lists;
    this.memo = new Memo(model, lists);
    this.state = model.initial;
    this.longestState = model.initial;
    this.answeredLeft = lists.answered.length;
  }

  run(stepsMax: number): Linearizability<State, Op> {
    const { answeredHead } = this.lists;
    let candidate = this.candidateAfter(answeredHead);
    while (this.answeredLeft > 0) {
      if (candidate === undefined) {
        const last = this.maybeTakeBack();
        if (last === undefined) return this.violation();
        candidate = this.candidateAfter(last);
        continue;
      }
      if (this.steps >= stepsMax) return { verdict: "undecided", steps: this.steps };
      const placed = this.maybePlace(candidate);
      candidate = this.candidateAfter(placed ? answeredHead : candidate);
    }
    return { verdict: "linearizable", steps: this.steps };
  }

  /**
   * The next operation that may come next: first those that were answered, up to the earliest
   * return, since what was called after it comes after it; then those that need not be placed.
   */
  private candidateAfter(event: Event): Event | undefined {
    const { next } = event;
    if (event.kind === "optional") return this.ifCalledBefore(this.earliestReturn(), next);
    if (next === undefined || next.kind === "call") return next;
    this.noteBlocked(next);
    return this.ifCalledBefore(next.rank, this.lists.optionalHead.next);
  }

  private ifCalledBefore(rank: number, optional: Event | undefined): Event | undefined {
    return optional !== undefined && optional.rank < rank ? optional : undefined;
  }

  private earliestReturn(): number {
    let event = this.lists.answeredHead.next;
    while (event !== undefined && event.kind !== "return") event = event.next;
    return event?.rank ?? Number.POSITIVE_INFINITY;
  }

  /** Gives the operation the next place, where it fits there and leads to anything new. */
  private maybePlace(call: Event): boolean {
    const { answered, answeredHead } = this.lists;
    this.steps += 1;
    const operation = this.operationOf(call);
    const { ok, state } = this.model.step(this.state, operation);
    if (!ok) return false;
    this.memo.toggle(call);
    lift(call);
    if (!this.memo.maybeAdd(answeredHead.next?.at ?? answered.length, state)) {
      this.memo.toggle(call);
      unlift(call);
      return false;
    }
    const isRead = this.model.isRead(operation);
    this.placed.push({ call, isRead, stateBefore: this.state });
    this.state = state;
    if (call.kind === "call") this.answeredLeft -= 1;
    return true;
  }

  /** Takes back the last operation in whose place another one can be tried, and what followed. */
  private maybeTakeBack(): Event | undefined {
    let last = this.placed.pop();
    while (last !== undefined) {
      const { call, isRead, stateBefore } = last;
      this.shared = Math.min(this.shared, this.placed.length);
      this.memo.toggle(call);
      unlift(call);
      this.state = stateBefore;
      if (call.kind === "call") this.answeredLeft += 1;
      if (!isRead) return call;
      last = this.placed.pop();
    }
    return undefined;
  }

  /** Whoever reaches a return has placed everything that returned before it. */
  private noteBlocked(at: Event): void {
    const rank = this.blockedAt?.rank ?? -1;
    if (at.rank < rank) return;
    if (at.rank === rank && this.placed.length <= this.longest.length) return;
    this.blockedAt = at;
    this.longest.length = this.shared;
    for (const { call } of this.placed.slice(this.shared)) this.longest.push(call);
    this.shared = this.longest.length;
    this.longestState = this.state;
  }

  private violation(): NotLinearizable<State, Op> {
    const { blockedAt, lists, steps } = this;
    assert(blockedAt !== undefined, "a search that fails was blocked");
    const blocked = lists.answered[blockedAt.at];
    assert(blocked !== undefined, "a return belongs to an answered operation");
    return {
      verdict: "violation",
      steps,
      blockedAt: blocked.operation,
      longest: this.longest.map((call) => this.operationOf(call)),
      state: this.longestState,
    };
  }

  private operationOf({ kind, at }: Event): Op {
    const { answered, optional } = this.lists;
    const interval = (kind === "optional" ? optional : answered)[at];
    assert(interval !== undefined, "an event belongs to an operation");
    return interval.operation;
  }
}
