/**
 * What the shard is told of refused connections. Whoever is refused tries again, and strangers may
 * come in any number: of each kind of refusal the first is told at once, and what follows as one
 * number in each quiet period.
 */
import type { Cancel, Timers } from "./timers.ts";
import type { PeerRefusal } from "./transport.ts";

const quietMs = 10_000;

type Refusal = Omit<PeerRefusal, "count">;

interface Told {
  last: Refusal;
  /** Since it was told. */
  count: number;
  cancel: Cancel;
}

export class RefusalLog {
  private readonly timers: Timers;
  private readonly tell: (refusal: PeerRefusal) => void;
  /** By what was refused: names that strangers claim make no entries. */
  private readonly told = new Map<string, Told>();

  constructor(timers: Timers, tell: (refusal: PeerRefusal) => void) {
    this.timers = timers;
    this.tell = tell;
  }

  note(refusal: Refusal): void {
    const { direction, node, reason } = refusal;
    const key = direction === "outgoing" ? `${reason} ${node}` : reason;
    const known = this.told.get(key);
    if (known !== undefined) {
      known.last = refusal;
      known.count += 1;
      return;
    }
    this.told.set(key, { last: refusal, count: 0, cancel: this.quietEnds(key) });
    this.tell({ ...refusal, count: 1 });
  }

  close(): void {
    for (const { cancel } of this.told.values()) cancel();
    this.told.clear();
  }

  private quietEnds(key: string): Cancel {
    return this.timers.after(quietMs, () => {
      const known = this.told.get(key);
      if (known === undefined) return;
      if (known.count === 0) {
        this.told.delete(key);
        return;
      }
      const { last, count } = known;
      known.count = 0;
      known.cancel = this.quietEnds(key);
      this.tell({ ...last, count });
    });
  }
}
