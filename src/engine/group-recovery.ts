/**
 * Which groups run after a shard has opened: at first those that the option `recover` chooses;
 * after a crash those that ran before it, whoever had started them, and none that were stopped.
 */
import { RaftError, messageOf, shardOfGroup } from "../base/index.ts";
import type { GroupId, ShardId } from "../base/index.ts";
import type { GroupTable } from "./group-table.ts";
import type { ResolvedOptions } from "./options.ts";

type Choice = (group: GroupId) => boolean;

export class GroupRecovery {
  private readonly option: ResolvedOptions["recover"];
  private readonly groups: GroupTable;
  private readonly shards: number;
  /** Shards whose groups have been chosen, and those chosen started. */
  private readonly chosen: Set<ShardId> = new Set();

  constructor(option: ResolvedOptions["recover"], groups: GroupTable, shards: number) {
    this.option = option;
    this.groups = groups;
    this.shards = shards;
  }

  /** For a shard that is about to open. */
  recoverOf(shard: ShardId): boolean | readonly GroupId[] {
    if (this.option === "all") return true;
    return this.groups
      .all()
      .filter(({ group, state }) => {
        return this.isOn(shard, group) && (state === "running" || state === "failed");
      })
      .map(({ group }) => group);
  }

  /**
   * Starts the groups that the option chooses of those that a shard has found, once in its life.
   * @throws what the option throws, and what keeps a group from being started
   */
  async choose(
    shard: ShardId,
    start: (group: GroupId) => Promise<void>,
    onHookFailed?: (group: GroupId, message: string) => void,
  ): Promise<void> {
    const { option } = this;
    if (typeof option !== "function" || this.chosen.has(shard)) return;
    const choice = onHookFailed === undefined ? option : guarded(option, onHookFailed);
    const found = this.groups.all().filter(({ group, state }) => {
      return state === "stopped" && this.isOn(shard, group) && choice(group);
    });
    await Promise.all(found.map(({ group }) => startUnlessFailed(group, start)));
    this.chosen.add(shard);
  }

  private isOn(shard: ShardId, group: GroupId): boolean {
    return shardOfGroup(group, this.shards) === shard;
  }
}

async function startUnlessFailed(
  group: GroupId,
  start: (group: GroupId) => Promise<void>,
): Promise<void> {
  try {
    await start(group);
  } catch (error) {
    // It is tried again by itself, as one is that was not chosen but recovered with all.
    if (!(error instanceof RaftError) || error.code !== "ERR_GROUP_FAILED") throw error;
  }
}

function guarded(choice: Choice, onHookFailed: (group: GroupId, message: string) => void): Choice {
  return (group) => {
    try {
      return choice(group);
    } catch (error) {
      onHookFailed(group, messageOf(error));
      return false;
    }
  };
}
