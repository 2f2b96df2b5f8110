/** Which groups of a store run when its shard opens. */
import { RaftError } from "../base/index.ts";
import type { GroupId } from "../base/index.ts";
import type { RecoveredGroup } from "../log/index.ts";
import type { ShardContext } from "./context.ts";
import { addReplica, endFor, holdReplica, membersOf } from "./groups.ts";
import type { GroupInfo } from "./mail-records.ts";
import type { Replica } from "./replica.ts";

/** A group that does not run until somebody says so, since it has ended its shard's thread. */
export interface HeldGroup {
  readonly group: GroupId;
  readonly reason: string;
}

export interface Recovery {
  /**
   * Which groups run of those that the disk says to: all, none, or these. The others are stopped
   * until they are started.
   */
  readonly recover: boolean | readonly GroupId[];
  readonly held: readonly HeldGroup[];
}

/** Puts every group that a store has found into its place. */
export function recoverGroups(
  context: ShardContext,
  found: readonly RecoveredGroup[],
  { recover, held }: Recovery,
): GroupInfo[] {
  const chosen = typeof recover === "boolean" ? undefined : new Set(recover);
  const reasons = new Map(held.map(({ group, reason }) => [group, reason]));
  return found.map((recovered) => {
    const { descriptor, damage } = recovered;
    const { group } = descriptor;
    const reason = damage === undefined ? reasons.get(group) : undefined;
    const runs = chosen === undefined ? recover === true : chosen.has(group);
    let replica: Replica;
    if (reason !== undefined) replica = holdReplica(context, recovered, reason);
    else if (damage === undefined && runs) replica = addReplica(context, recovered);
    else replica = addReplica(context, atRest(recovered));
    // The groups beside it are as sound as they were.
    if (damage !== undefined) {
      endFor(context, replica, new RaftError("ERR_STORE_CORRUPT", damage));
    }
    return { group, members: membersOf(descriptor), state: replica.state };
  });
}

/** As if it had been stopped, without that being written. */
function atRest(recovered: RecoveredGroup): RecoveredGroup {
  const { descriptor } = recovered;
  if (descriptor.state !== "running") return recovered;
  return { ...recovered, descriptor: { ...descriptor, state: "stopped" } };
}
