/**
 * Leaderships of this shard that have ended, for its signs of life: followers of a parked group
 * rest on them, and would wait for ever for a leader that was stopped, disabled, removed or
 * deposed. What is named too late is seen by its number.
 */
import { limits, none } from "../base/index.ts";
import type { GroupId, Term } from "../base/index.ts";
import type { Ending } from "../wire/index.ts";

interface Recent extends Ending {
  ticks: number;
}

export class Endings {
  /** Leaderships that have ended since the shard opened. */
  count = 0;
  private readonly keptTicks: number;
  private recent: Recent[] = [];

  /** @param keptTicks how long an ending is named: as long as signs may be lost unnoticed */
  constructor(keptTicks: number) {
    this.keptTicks = keptTicks;
  }

  add(group: GroupId, term: Term): void {
    this.count += 1;
    this.recent.push({ group, term, ticks: 0 });
    if (this.recent.length > limits.endingsMax) this.recent.shift();
  }

  tick(): void {
    if (this.recent.length === 0) return;
    for (const ending of this.recent) ending.ticks += 1;
    this.recent = this.recent.filter(({ ticks }) => ticks < this.keptTicks);
  }

  /** The newest endings, oldest first: always the last ones of `count`. */
  get named(): readonly Ending[] {
    return this.recent.length === 0 ? none : this.recent;
  }
}
