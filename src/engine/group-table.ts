/**
 * What the main thread knows of each group here, from its shards' events, so that asking costs no
 * trip to a shard.
 */
import type { GroupId, NodeId, Term } from "../base/index.ts";
import type { ReplicaState, Role, ShardEvent } from "../shard/index.ts";

export interface GroupView {
  readonly group: GroupId;
  readonly members: readonly NodeId[];
  readonly state: ReplicaState;
  readonly role: Role;
  readonly leader: NodeId | undefined;
  readonly term: Term;
}

export class GroupTable {
  private readonly views: Map<GroupId, GroupView> = new Map();
  /** One list, and one text of each id, for all groups with the same members. */
  private readonly memberLists: Map<string, readonly NodeId[]> = new Map();

  get(group: GroupId): GroupView | undefined {
    return this.views.get(group);
  }

  all(): GroupView[] {
    return [...this.views.values()];
  }

  take(event: ShardEvent): void {
    switch (event.kind) {
      case "opened":
        for (const { group, members, state } of event.groups) this.add(group, members, state);
        return;
      case "groupStarted":
        this.add(event.group, event.members, "running");
        return;
      case "groupStopped":
        this.update(event.group, { state: "stopped", role: "follower", leader: undefined });
        return;
      case "groupFailed":
        this.update(event.group, { state: "failed", role: "follower", leader: undefined });
        return;
      case "groupDisabled":
        this.update(event.group, { state: "disabled", role: "follower", leader: undefined });
        return;
      case "groupRemoved":
        this.views.delete(event.group);
        return;
      case "roleChanged": {
        const { group, role, leader, term } = event;
        const known = this.views.get(group)?.members.find((member) => member === leader);
        this.update(group, { role, leader: known ?? (leader === "" ? undefined : leader), term });
        return;
      }
      default:
    }
  }

  /** A crashed shard's groups have no role until it is back. */
  forgetRoles(concerned: (group: GroupId) => boolean): void {
    for (const { group } of this.all()) {
      if (concerned(group)) this.update(group, { role: "follower", leader: undefined });
    }
  }

  private add(group: GroupId, members: readonly NodeId[], state: GroupView["state"]): void {
    const before = this.views.get(group);
    const { role, leader, term } = before ?? {
      role: "follower" as const,
      leader: undefined,
      term: 0,
    };
    this.views.set(group, { group, members: this.shared(members), state, role, leader, term });
  }

  private shared(members: readonly NodeId[]): readonly NodeId[] {
    const key = members.join(" ");
    const known = this.memberLists.get(key);
    if (known === undefined) this.memberLists.set(key, members);
    return known ?? members;
  }

  private update(group: GroupId, change: Partial<GroupView>): void {
    const before = this.views.get(group);
    if (before !== undefined) this.views.set(group, { ...before, ...change });
  }
}
