/**
 * The very end of a run: what still runs must come to the same state. Followers get every entry
 * that their leader has, within a bound, and then every machine is asked for its digest.
 */
import type { GroupId, NodeId } from "../../base/index.ts";
import type { Replica } from "../../shard/index.ts";
import type { Answer } from "./mail-client.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** How long a follower may take to catch up, in election timeouts. */
const timeoutsMax = 200;
/** Beyond that. */
const graceUs = 30_000_000;
const stepUs = 100_000;

export interface RunningReplica {
  readonly node: NodeId;
  readonly group: GroupId;
}

export class Ending {
  private readonly world: World;
  /** Replicas of groups that serve. */
  private readonly replicas: readonly RunningReplica[];

  constructor(world: World, replicas: readonly RunningReplica[]) {
    this.world = world;
    this.replicas = replicas;
  }

  async run(electionUs: number): Promise<void> {
    await this.awaitEqual(electionUs);
    await this.askDigests();
  }

  private async awaitEqual(electionUs: number): Promise<void> {
    const { agenda } = this.world;
    const untilUs = agenda.nowUs + timeoutsMax * electionUs + graceUs;
    for (;;) {
      const late = this.findLate();
      if (late === undefined) return;
      if (agenda.nowUs > untilUs) throw new Violation("liveness", late);
      await agenda.run(agenda.nowUs + Math.min(electionUs, stepUs));
    }
  }

  private findLate(): string | undefined {
    const lasts = new Map<GroupId, number>();
    for (const { group, node } of this.replicas) {
      const log = this.running(node, group)?.raft.state.log;
      if (log !== undefined) lasts.set(group, Math.max(lasts.get(group) ?? 0, log.lastIndex));
    }
    for (const { group, node } of this.replicas) {
      const state = this.replica(node, group)?.state;
      if (state === "failed") return `${node} never runs group ${group} again`;
      const applied = this.running(node, group)?.raft.state.log.applied;
      const last = lasts.get(group);
      if (applied === undefined || applied === last) continue;
      return `${node} never catches up in group ${group}: it has applied ${applied} of ${last}`;
    }
    return undefined;
  }

  private replica(node: NodeId, group: GroupId): Replica | undefined {
    const slot = this.world.node(node)?.slotOf(group);
    return slot?.isOpen === true ? slot.shard.replicas.get(group) : undefined;
  }

  private running(node: NodeId, group: GroupId): Replica | undefined {
    const replica = this.replica(node, group);
    return replica?.running === true ? replica : undefined;
  }

  private async askDigests(): Promise<void> {
    const { agenda } = this.world;
    let open = 0;
    for (const { node, group } of this.replicas) {
      if (this.running(node, group) === undefined) continue;
      open += 1;
      this.world
        .node(node)
        ?.slotOf(group)
        ?.client.control({ kind: "digest", group }, (answer) => {
          open -= 1;
          this.show(node, group, answer);
        });
    }
    while (open > 0) await agenda.run(agenda.nowUs + stepUs);
  }

  private show(node: NodeId, group: GroupId, answer: Answer): void {
    if (answer.kind === "failed") {
      const { error } = answer;
      if (error.code !== "ERR_QUERY_FAILED") return;
      throw new Violation("digest-agreement", error.message);
    }
    if (answer.kind !== "control") return;
    const seen = readDigest(answer.value);
    if (seen !== undefined) this.world.checks.onDigest?.({ node, group, ...seen });
  }
}

function readDigest(value: unknown): { digest: string; appliedIndex: number } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!("digest" in value && "appliedIndex" in value)) return undefined;
  const { digest, appliedIndex } = value;
  if (typeof digest !== "string" || typeof appliedIndex !== "number") return undefined;
  return { digest, appliedIndex };
}
