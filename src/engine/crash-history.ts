/**
 * What the crashes of a shard say: how long it pauses before it starts again, and which of its
 * groups is held, so that the others serve. Nothing of it is on disk: another process finds out for
 * itself.
 *
 *   a worker ends at work for a group        the group is suspected: its calls are noted
 *   again, in a row                          it is held until it is started by hand
 *   a worker ends, no group was at work      all machines are watched for a while, with their
 *                                            timers and promises
 *
 * Crashes are in a row if they come soon after the group has started, or on the same command: to
 * come to that again a long log may have to be replayed. A command ends the worker a second time
 * because it is replayed, so one accident holds no group.
 */
import type { GroupId, Index } from "../base/index.ts";
import type { HeldGroup, Watched, WorkInHand } from "../shard/index.ts";
import { RestartPause } from "./restart-pause.ts";

/** Crashes in a row at work for one group, after which it is held. */
const crashesMax = 2;
/** A group that has run for so long since its last crash is suspected anew. */
const suspicionMs = 600_000;

interface Suspect {
  crashes: number;
  /** When it was last started, as far as that has been told. */
  startedMs: number;
  /** The command of its last crash. */
  index: Index | undefined;
  reason: string;
  held: boolean;
}

export interface Crash {
  readonly hand: WorkInHand | undefined;
  readonly cause: Error;
}

export class CrashHistory {
  private readonly nowMs: () => number;
  private readonly pause: RestartPause = new RestartPause();
  private upSinceMs: number | undefined;
  /** The last crashes were no group's, as far as is known. */
  private isStray = false;
  /** By group, as many as the shard has at most. */
  private readonly suspects: Map<GroupId, Suspect> = new Map();

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** The shard serves. */
  up(): void {
    this.upSinceMs = this.nowMs();
  }

  /** Whether a worker that ends now was watched for code that runs behind the engine's back. */
  get watchesAll(): boolean {
    return this.isStray;
  }

  /** Notes a crash. */
  note({ hand, cause }: Crash): void {
    const upMs = this.upSinceMs === undefined ? 0 : this.nowMs() - this.upSinceMs;
    this.pause.crashed(upMs);
    if (upMs > suspicionMs) this.isStray = false;
    if (hand === undefined) this.isStray = true;
    else this.suspect(hand, cause);
    this.upSinceMs = undefined;
  }

  /** How long to wait before the next start, in ms. */
  takePauseMs(): number {
    return this.pause.takeMs();
  }

  /** Groups that the next worker does not run. */
  get held(): HeldGroup[] {
    const held: HeldGroup[] = [];
    for (const [group, suspect] of this.suspects) {
      if (suspect.held) held.push({ group, reason: suspect.reason });
    }
    return held;
  }

  holds(group: GroupId): boolean {
    return this.suspects.get(group)?.held === true;
  }

  /** What the next worker watches. */
  get watched(): Watched {
    if (this.isStray) return { kind: "all", forMs: suspicionMs };
    return { kind: "groups", groups: [...this.suspects.keys()] };
  }

  /** A group runs: of one that was held, somebody has decided so. */
  started(group: GroupId): void {
    const suspect = this.suspects.get(group);
    if (suspect === undefined) return;
    suspect.startedMs = this.nowMs();
    suspect.held = false;
  }

  removed(group: GroupId): void {
    this.suspects.delete(group);
  }

  private suspect(hand: WorkInHand, cause: Error): void {
    const { group, work } = hand;
    const nowMs = this.nowMs();
    const index = work?.call === "apply" ? work.index : undefined;
    const before = this.suspects.get(group);
    const sinceMs = Math.max(this.upSinceMs ?? nowMs, before?.startedMs ?? nowMs);
    const isSame = index !== undefined && index === before?.index;
    const inRow = before !== undefined && (isSame || nowMs - sinceMs <= suspicionMs);
    const crashes = inRow ? before.crashes + 1 : 1;
    const reason =
      `the shard's worker has ended ${crashes} times in a row at work for this group, ` +
      `the last time ${describe(hand)}: ${cause.message}`;
    const held = crashes >= crashesMax;
    this.suspects.set(group, { crashes, startedMs: nowMs, index, reason, held });
  }
}

function describe({ work, later }: WorkInHand): string {
  if (work === undefined) return "outside of its state machine, or in a call that was not noted";
  const { call, index } = work;
  const where = call === "apply" ? `its command at index ${index}` : `${call}()`;
  return later ? `in a timer, promise or callback that ${where} has left behind` : `in ${where}`;
}
