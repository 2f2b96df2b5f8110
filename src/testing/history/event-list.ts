/**
 * The calls and returns of a history in the order of time, as doubly linked lists, out of which the
 * search of `linearizability.ts` lifts what it has placed and into which it puts it back, each in
 * constant time (Lowe 2017, §5).
 *
 * Operations that must take effect, since they were answered, are in one list with their returns;
 * those that may, whose outcome is unknown, have no return and a list of their own.
 */

/** An operation of type Op between its call and its return. */
export interface Interval<Op> {
  readonly operation: Op;
  readonly callUs: number;
  /** Undefined: it may take effect at any time after its call, or never. */
  readonly returnUs: number | undefined;
}

export interface Event {
  /** `optional` is the call of an operation that may take effect; it has no return. */
  readonly kind: "call" | "return" | "optional";
  /** Position among all events of the history. */
  readonly rank: number;
  /** Position of the operation among those of its list, in the order of calls. -1: the head. */
  readonly at: number;
  /** Of a call: its return, where there is one. */
  match: Event | undefined;
  previous: Event | undefined;
  next: Event | undefined;
}

export interface EventLists<Op> {
  /** Answered operations, in the order of calls, and the head of their calls and returns. */
  readonly answered: readonly Interval<Op>[];
  readonly answeredHead: Event;
  /** For each answered operation: how many were called before it returned. */
  readonly calledBeforeReturn: Uint32Array;
  readonly optional: readonly Interval<Op>[];
  readonly optionalHead: Event;
}

interface Moment<Op> {
  readonly timeUs: number;
  readonly isCall: boolean;
  readonly interval: Interval<Op>;
}

export function listEvents<Op>(intervals: readonly Interval<Op>[]): EventLists<Op> {
  const answered: Interval<Op>[] = [];
  const optional: Interval<Op>[] = [];
  const answeredHead = newEvent("call", -1, -1);
  const optionalHead = newEvent("optional", -1, -1);
  let answeredLast = answeredHead;
  let optionalLast = optionalHead;
  const calls = new Map<Interval<Op>, Event>();
  const calledBefore: number[] = [];
  for (const [rank, { isCall, interval }] of sortMoments(intervals).entries()) {
    if (interval.returnUs === undefined) {
      optionalLast = append(optionalLast, newEvent("optional", rank, optional.length));
      optional.push(interval);
    } else if (isCall) {
      answeredLast = append(answeredLast, newEvent("call", rank, answered.length));
      calls.set(interval, answeredLast);
      answered.push(interval);
    } else {
      const call = calls.get(interval);
      answeredLast = append(answeredLast, newEvent("return", rank, call?.at ?? -1));
      if (call === undefined) continue;
      call.match = answeredLast;
      calledBefore[call.at] = answered.length;
    }
  }
  const calledBeforeReturn = Uint32Array.from(calledBefore);
  return { answered, answeredHead, calledBeforeReturn, optional, optionalHead };
}

/**
 * At equal times calls stand before returns: clocks are coarse, and two operations that may have
 * overlapped must not be taken for one after the other.
 */
function sortMoments<Op>(intervals: readonly Interval<Op>[]): Moment<Op>[] {
  const moments: Moment<Op>[] = [];
  for (const interval of intervals) {
    const { callUs, returnUs } = interval;
    moments.push({ timeUs: callUs, isCall: true, interval });
    if (returnUs !== undefined) moments.push({ timeUs: returnUs, isCall: false, interval });
  }
  return moments.sort((a, b) => a.timeUs - b.timeUs || Number(b.isCall) - Number(a.isCall));
}

function newEvent(kind: Event["kind"], rank: number, at: number): Event {
  return { kind, rank, at, match: undefined, previous: undefined, next: undefined };
}

function append(last: Event, event: Event): Event {
  last.next = event;
  event.previous = last;
  return event;
}

/** Takes a call, and its return where it has one, out of its list. */
export function lift(call: Event): void {
  unlink(call);
  if (call.match !== undefined) unlink(call.match);
}

/** Puts back what was lifted last. */
export function unlift(call: Event): void {
  if (call.match !== undefined) relink(call.match);
  relink(call);
}

function unlink(event: Event): void {
  const { previous, next } = event;
  if (previous !== undefined) previous.next = next;
  if (next !== undefined) next.previous = previous;
}

/** An event out of its list still knows its neighbours: they are those that it had. */
function relink(event: Event): void {
  const { previous, next } = event;
  if (previous !== undefined) previous.next = event;
  if (next !== undefined) next.previous = event;
}
