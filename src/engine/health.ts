/** Whether a node can do its work, for who restarts it and for who sends it work. */
import type { ShardId } from "../base/index.ts";
import type { HeldGroup, ShardStats } from "../shard/index.ts";
import type { ShardHandle } from "./shard-handle.ts";

export interface HealthReason {
  /**
   * failed: the store is dead or damaged, and only a restart of the process may help. opening: it
   * is reading its log. restarting: it has crashed and waits to be opened again, or is reading its
   * log. replaying: its state machines have not applied again what was committed. silent: it does
   * not answer, since its disk or a state machine holds it up. closed: the engine is closing or
   * closed.
   */
  readonly kind: "failed" | "opening" | "restarting" | "replaying" | "silent" | "closed";
  readonly shard: ShardId;
  readonly message: string;
}

/** A group that does not run until `enableGroup` or `startGroup` is called. */
export interface HealthHeld extends HeldGroup {
  readonly shard: ShardId;
}

export interface Health {
  /** False if nothing but a restart of the process can help: it is closed, or all shards failed. */
  readonly live: boolean;
  /** Whether every shard serves. */
  readonly ready: boolean;
  /** Why it is not ready; empty if it is. */
  readonly reasons: readonly HealthReason[];
  /**
   * Groups that have ended their shard's worker again and again, and are kept from doing so once
   * more. They do not make the node unready: all others serve, and on the other members the same
   * command may do the same.
   */
  readonly held: readonly HealthHeld[];
}

/** Asks every shard; one that does not answer within `timeoutMs` is silent. */
export async function healthOf(shards: readonly ShardHandle[], timeoutMs: number): Promise<Health> {
  const found = await Promise.all(shards.map((handle) => reasonOf(handle, timeoutMs)));
  const reasons = found.filter((reason) => reason !== undefined);
  const dead = reasons.filter(({ kind }) => kind === "failed" || kind === "closed");
  const held = shards.flatMap(({ shard, held: groups }) =>
    groups.map((group) => ({ shard, ...group })),
  );
  return { live: dead.length < shards.length, ready: reasons.length === 0, reasons, held };
}

async function reasonOf(handle: ShardHandle, timeoutMs: number): Promise<HealthReason | undefined> {
  const { shard, state, failed } = handle;
  switch (state) {
    case "failed":
      return { kind: "failed", shard, message: failed?.message ?? "it has failed" };
    case "closing":
    case "closed":
      return { kind: "closed", shard, message: "the engine is closing or closed" };
    case "opening":
    case "restarting":
      return { kind: state, shard, message: `shard ${shard} is ${state}` };
    case "up":
      return await reasonIfUp(handle, timeoutMs);
  }
}

async function reasonIfUp(
  handle: ShardHandle,
  timeoutMs: number,
): Promise<HealthReason | undefined> {
  const { shard } = handle;
  const settings = { timeoutMs, forward: false, signal: undefined };
  try {
    const { replaying } = await handle.control<ShardStats>({ kind: "stats" }, settings);
    if (replaying === 0) return undefined;
    const message = `${replaying} state machines of shard ${shard} are applying their log again`;
    return { kind: "replaying", shard, message };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "silent", shard, message: `shard ${shard} does not answer: ${message}` };
  }
}
