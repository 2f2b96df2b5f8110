/**
 * Waiting for a group's leader to be known on this node; by group, so that an event looks only at
 * who waits for it.
 */
import { RaftError, limits } from "../base/index.ts";
import type { GroupId, NodeId, Term } from "../base/index.ts";
import { callOverheadBytes } from "../shard/index.ts";
import type { GroupTable } from "./group-table.ts";
import type { CallSettings } from "./shard-handle.ts";
import { SignalWatch } from "./signal-watch.ts";

export interface KnownLeader {
  readonly leader: NodeId;
  readonly term: Term;
}

/** A call of commands or queries. */
export interface HeldCall {
  readonly entries: readonly Uint8Array[];
  readonly settings: CallSettings;
}

/** What the waits need of the shards. */
export interface LeaderSource {
  /** Reads what shards have told and nobody has read yet. */
  drain(): void;
  /** What may keep a group from having a leader, to be appended to a message. */
  describeFaults(group: GroupId): string;
  /** Why the shard of a group has failed for good, if it has. */
  failureOf(group: GroupId): RaftError | undefined;
}

export class LeaderWaits {
  private readonly groups: GroupTable;
  private readonly waiting: Map<GroupId, Set<() => void>> = new Map();
  private readonly signals: SignalWatch = new SignalWatch();
  private readonly shards: LeaderSource;
  private closed = false;
  /** Calls that wait until their group is led, and the bytes that they hold. */
  private leaderless = 0;
  private heldBytes = 0;
  private readonly bytesMax: number;

  constructor(groups: GroupTable, shards: LeaderSource, bytesMax: number) {
    this.groups = groups;
    this.shards = shards;
    this.bytesMax = bytesMax;
  }

  /** Whether a call that may be forwarded has to wait, since nobody leads its group. */
  holds(group: GroupId, { forward }: CallSettings): boolean {
    if (!forward) return false;
    const view = this.groups.get(group);
    return view?.state === "running" && view.leader === undefined;
  }

  /**
   * Waits until somebody leads the group, as right after a creation; gives the call with the time
   * that is left. Its entries are copied: whose they are may change them meanwhile.
   * @throws ERR_BUSY if too many calls wait, or if they hold too many bytes
   */
  async before(group: GroupId, { entries, settings }: HeldCall): Promise<HeldCall> {
    let bytes = 0;
    for (const entry of entries) bytes += entry.length + callOverheadBytes;
    this.hold(bytes);
    const kept = entries.map((entry) => entry.slice());
    const fromMs = performance.now();
    try {
      await this.wait(group, settings);
    } catch (error) {
      if (!(error instanceof RaftError) || error.code !== "ERR_TIMEOUT") throw error;
      throw new RaftError("ERR_NOT_LEADER", error.message, { outcome: "none" });
    } finally {
      this.leaderless -= 1;
      this.heldBytes -= bytes;
    }
    const leftMs = settings.timeoutMs - Math.floor(performance.now() - fromMs);
    return { entries: kept, settings: { ...settings, timeoutMs: Math.max(1, leftMs) } };
  }

  private hold(bytes: number): void {
    if (this.leaderless >= limits.leaderlessMax) {
      const message = `${limits.leaderlessMax} calls wait for a leader of their group`;
      throw new RaftError("ERR_BUSY", message);
    }
    if (this.heldBytes >= this.bytesMax) {
      const message = `Calls that wait for a leader of their group hold ${this.heldBytes} bytes (a quarter of shardBytesMax)`;
      throw new RaftError("ERR_BUSY", message);
    }
    this.leaderless += 1;
    this.heldBytes += bytes;
  }

  wait(
    group: GroupId,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<KnownLeader> {
    return new Promise((resolve, reject) => {
      let settled = false;
      let unwatch = (): void => {};
      const settle = (how: () => void): void => {
        settled = true;
        clearTimeout(timer);
        this.remove(group, check);
        unwatch();
        how();
      };
      const check = (): void => {
        const outcome = this.outcomeOf(group);
        if (outcome instanceof RaftError) settle(() => reject(outcome));
        else if (outcome !== undefined) settle(() => resolve(outcome));
      };
      const onAbort = (): void => {
        const cause: unknown = signal?.reason;
        const message = `Waiting for a leader of group ${group} was aborted`;
        settle(() => reject(new RaftError("ERR_ABORTED", message, { outcome: "none", cause })));
      };
      const onTimeout = (): void => {
        this.shards.drain();
        if (settled) return;
        const why = this.shards.describeFaults(group);
        const message = `No leader of group ${group} was known for ${timeoutMs} ms${why}`;
        settle(() => reject(new RaftError("ERR_TIMEOUT", message, { outcome: "none" })));
      };
      const timer = setTimeout(onTimeout, timeoutMs);
      this.add(group, check);
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      if (signal !== undefined) unwatch = this.signals.watch(signal, onAbort);
      check();
    });
  }

  /** Something about a group has changed. */
  notify(group: GroupId): void {
    for (const check of this.waiting.get(group) ?? []) check();
  }

  notifyAll(concerned: (group: GroupId) => boolean): void {
    for (const group of this.waiting.keys()) if (concerned(group)) this.notify(group);
  }

  close(): void {
    this.closed = true;
    for (const group of this.waiting.keys()) this.notify(group);
  }

  private outcomeOf(group: GroupId): KnownLeader | RaftError | undefined {
    if (this.closed) return new RaftError("ERR_ENGINE_CLOSED", "The engine is closed");
    const failure = this.shards.failureOf(group);
    if (failure !== undefined) return failure.withOutcome("none");
    const view = this.groups.get(group);
    if (view === undefined) {
      return new RaftError("ERR_GROUP_NOT_FOUND", `This node has no replica of group ${group}`);
    }
    const { leader, term } = view;
    return leader === undefined ? undefined : { leader, term };
  }

  private add(group: GroupId, check: () => void): void {
    const checks = this.waiting.get(group);
    if (checks === undefined) this.waiting.set(group, new Set([check]));
    else checks.add(check);
  }

  private remove(group: GroupId, check: () => void): void {
    const checks = this.waiting.get(group);
    checks?.delete(check);
    if (checks?.size === 0) this.waiting.delete(group);
  }
}
