/**
 * A plan in the making: what its parts draw from, and the actions so far. The plan knows nothing of
 * how the run goes; what does not fit the moment (a crash of what is down) does nothing.
 */
import type { GroupId, NodeId, Prng } from "../../../base/index.ts";
import { Temper, nodesOf, pick } from "../settings.ts";
import type { Settings } from "../settings.ts";
import { OperationDrawer } from "../workload.ts";
import type { Workload } from "../workload.ts";

interface Action {
  readonly atUs: number;
  readonly text: string;
}

/** Before this the nodes start and the first groups are created, undisturbed. */
export const calmUs = 200_000;
/** How long the disturbed part lasts, in election timeouts. */
const lengths = [15, 40, 40, 100];
const keysOfGroup = 4;

export class Draft {
  readonly settings: Settings;
  /** Draws what clients ask of a machine of the user's. */
  readonly drawer: OperationDrawer | undefined;
  readonly prng: Prng;
  readonly temper: Temper;
  readonly nodes: readonly NodeId[];
  readonly groups: Map<GroupId, readonly NodeId[]> = new Map();
  private readonly actions: Action[] = [];
  readonly electionUs: number;
  readonly endUs: number;
  /** Nodes that may be damaged for good: with all of them gone a majority is left. */
  readonly doomed: readonly NodeId[];
  /** Values from here on are nobody's yet. */
  nextValue = 1;

  constructor(settings: Settings, prng: Prng, workload: Workload | undefined) {
    this.settings = settings;
    const { commandBytesMax } = settings.options;
    this.drawer = workload && new OperationDrawer(workload, prng, commandBytesMax);
    this.prng = prng;
    this.temper = new Temper(prng);
    this.nodes = nodesOf(settings);
    const { tickMs, electionTicks } = settings.options;
    this.electionUs = tickMs * electionTicks * 1_000;
    this.endUs = calmUs + pick(prng, lengths) * this.electionUs;
    const doomedMax = Math.ceil(this.nodes.length / 2) - 1;
    this.doomed = shuffled(prng, this.nodes).slice(0, prng.between(0, doomedMax + 1));
  }

  /** The lines of the script, in order of time. */
  lines(): string[] {
    this.actions.sort((a, b) => a.atUs - b.atUs);
    return this.actions.map(({ atUs, text }) => `at=${atUs} ${text}`);
  }

  key(): string {
    return `k${this.prng.between(0, keysOfGroup)}`;
  }

  add(atUs: number, text: string): void {
    this.actions.push({ atUs: Math.floor(atUs), text });
  }

  moment(): number {
    return this.prng.between(calmUs, this.endUs);
  }

  /** Mostly around an election timeout, sometimes much shorter or longer. */
  duration(): number {
    return Math.floor(this.electionUs * pick(this.prng, [0.05, 0.3, 1, 1, 2, 5, 15]));
  }

  node(): NodeId {
    return pick(this.prng, this.nodes);
  }

  twoNodes(): [NodeId, NodeId] | undefined {
    const [a, b] = shuffled(this.prng, this.nodes);
    return a === undefined || b === undefined ? undefined : [a, b];
  }

  /** Some groups get nearly all calls. */
  busyGroup(): GroupId {
    const { prng, groups } = this;
    const skew = prng.chance(0.7) ? Math.ceil(groups.size / 4) : groups.size;
    return prng.between(1, skew + 1);
  }

  /** Values that nobody else writes: the first of `count`. */
  take(count: number): number {
    const first = this.nextValue;
    this.nextValue += count;
    return first;
  }

  some(most: number): number {
    return this.temper.has() ? this.prng.between(1, most + 1) : 0;
  }
}

export function shuffled<T>(prng: Prng, values: readonly T[]): T[] {
  const mixed = [...values];
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    const other = prng.between(0, at + 1);
    const one = mixed[at];
    const two = mixed[other];
    if (one === undefined || two === undefined) continue;
    mixed[at] = two;
    mixed[other] = one;
  }
  return mixed;
}
