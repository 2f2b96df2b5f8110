/** Counts of what a run, or many, held: a fault that never happened is not tested. */
export class Tally {
  readonly faults: Map<string, number> = new Map();
  readonly counts: Map<string, number> = new Map();

  fault(name: string, count = 1): void {
    this.faults.set(name, (this.faults.get(name) ?? 0) + count);
  }

  count(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }

  add(other: Tally): void {
    for (const [name, count] of other.faults) this.fault(name, count);
    for (const [name, count] of other.counts) this.count(name, count);
  }
}
