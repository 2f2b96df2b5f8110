/**
 * A few replicas of a shard now and then, each of them in its turn: looking into all of them after
 * every event would cost more than the rest of the simulation.
 */
const turnsBetween = 64;
const replicasAtOnce = 4;

/** A shard, as far as it matters here. */
export interface Sampled<R> {
  readonly replicas: ReadonlyMap<unknown, R>;
}

interface Place<R> {
  turns: number;
  rest: Iterator<R> | undefined;
}

export class ReplicaSample<R> {
  private readonly places: WeakMap<Sampled<R>, Place<R>> = new WeakMap();

  /** Visits a sample where it is time for one, the first time included. */
  visit(shard: Sampled<R>, visit: (replica: R) => void): void {
    let place = this.places.get(shard);
    if (place === undefined) {
      place = { turns: 0, rest: undefined };
      this.places.set(shard, place);
    }
    const { turns } = place;
    place.turns = (turns + 1) % turnsBetween;
    if (turns !== 0) return;
    for (let count = 0; count < replicasAtOnce; count += 1) {
      place.rest ??= shard.replicas.values();
      const next = place.rest.next();
      if (next.done === true) {
        place.rest = undefined;
        return;
      }
      visit(next.value);
    }
  }
}
