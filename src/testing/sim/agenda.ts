/**
 * What is to happen in the simulated world, and when: a heap of tasks ordered by time, then by the
 * order in which they were asked for. Time moves only from task to task.
 *
 * A task may belong to an actor (a shard's process). While an actor is blocked (paused, or waiting
 * for its disk) its tasks wait, in order, as events wait for a thread that does not run; of an
 * actor that is dead none runs any more.
 */

/** Who a task belongs to. */
export interface Actor {
  readonly alive: boolean;
  /** Its thread does not run before this moment. */
  blockedUntilUs: number;
  /** Called after each of its tasks. */
  afterTask(): void;
}

/** Rough kinds of events, for counts and for the hash over a run. */
export const eventKind = {
  soon: 1,
  timer: 2,
  frame: 3,
  disk: 4,
  mail: 5,
  network: 6,
  action: 7,
  life: 8,
} as const;
export type EventKind = (typeof eventKind)[keyof typeof eventKind];

interface Event {
  readonly atUs: number;
  readonly order: number;
  readonly kind: EventKind;
  readonly actor: Actor | undefined;
  readonly task: () => void;
  /** It settles promises: what waits on them runs before the next event. */
  readonly settles: boolean;
}

/** Turns of the microtask queue after which whatever a settled promise sets off has run. */
const microtaskTurns = 16;
const settled: Promise<void> = Promise.resolve();
/** Events between two turns of the real event loop, where unhandled rejections come up. */
const eventsPerTurn = 4_096;

export class Agenda {
  nowUs = 0;
  /** Events run. */
  count = 0;
  /** Over kind and time of every event, and whatever `note` was given. */
  hash = 0x811c_9dc5;
  private readonly heap: Event[] = [];
  private readonly parked: Map<Actor, Event[]> = new Map();
  private nextOrder = 0;
  private readonly turn: () => Promise<void>;

  /** @param turn a turn of the real event loop */
  constructor(turn: () => Promise<void>) {
    this.turn = turn;
  }

  at(atUs: number, kind: EventKind, task: () => void, actor?: Actor): void {
    this.add(atUs, { kind, task, actor, settles: false });
  }

  /** For a task that settles promises. */
  settleAt(atUs: number, kind: EventKind, task: () => void, actor?: Actor): void {
    this.add(atUs, { kind, task, actor, settles: true });
  }

  /** Mixes a number into the run's hash. */
  note(value: number): void {
    this.hash = Math.imul(this.hash ^ value, 0x0100_0193) >>> 0;
  }

  /** Runs everything up to a moment, and stops there. */
  async run(untilUs: number): Promise<void> {
    for (let event = this.heap[0]; event !== undefined; event = this.heap[0]) {
      if (event.atUs > untilUs) break;
      this.pop();
      this.nowUs = event.atUs;
      if (!this.runs(event)) continue;
      this.count += 1;
      this.note(event.kind + event.atUs);
      event.task();
      if (event.settles) await this.drain();
      event.actor?.afterTask();
      if (this.count % eventsPerTurn === 0) await this.turn();
    }
    this.nowUs = Math.max(this.nowUs, untilUs);
  }

  /** Lets everything run that waits on promises that are settled now. */
  async drain(): Promise<void> {
    for (let turn = 0; turn < microtaskTurns; turn += 1) await settled;
  }

  /** The tasks of an actor that has become free follow one another, in their order. */
  private release(actor: Actor): void {
    const waiting = this.parked.get(actor);
    if (waiting === undefined) return;
    if (actor.alive && actor.blockedUntilUs > this.nowUs) {
      this.releaseLater(actor);
      return;
    }
    this.parked.delete(actor);
    for (const event of waiting) this.add(this.nowUs, event);
  }

  private releaseLater(actor: Actor): void {
    if (actor.blockedUntilUs === Number.POSITIVE_INFINITY) return;
    this.at(actor.blockedUntilUs, eventKind.life, () => this.release(actor));
  }

  /** An actor was blocked for longer, or is free again. */
  rescheduled(actor: Actor): void {
    if (actor.blockedUntilUs <= this.nowUs) this.release(actor);
  }

  private runs(event: Event): boolean {
    const { actor } = event;
    if (actor === undefined) return true;
    if (!actor.alive) return false;
    if (actor.blockedUntilUs <= this.nowUs) return true;
    const waiting = this.parked.get(actor);
    if (waiting !== undefined) waiting.push(event);
    else {
      this.parked.set(actor, [event]);
      this.releaseLater(actor);
    }
    return false;
  }

  private add(atUs: number, what: Omit<Event, "atUs" | "order">): void {
    const { kind, task, actor, settles } = what;
    const order = this.nextOrder;
    this.nextOrder += 1;
    const time = Math.max(this.nowUs, Math.floor(atUs));
    const event: Event = { atUs: time, order, kind, actor, task, settles };
    const { heap } = this;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let down = at * 2 + 1;
      let child = heap[down];
      if (child === undefined) break;
      const right = heap[down + 1];
      if (right !== undefined && isBefore(right, child)) {
        down += 1;
        child = right;
      }
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
