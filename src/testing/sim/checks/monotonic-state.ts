/**
 * A replica's term and commit index never fall, and its vote is cast at most once a term (thesis
 * figure 3.1: the current term "increases monotonically"; §3.4: "at most one candidate in a given
 * term"). Of what is durable that holds over crashes; of what is written, from one crash to the
 * next.
 */
import type { GroupId, Index, NodeId, ShardId, Term } from "../../../base/index.ts";
import type { RecoveredGroup } from "../../../log/index.ts";
import type { Check, Stage } from "../check.ts";
import type { ShadowLog, ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";

/** A replica's state as it was last seen. */
interface Seen {
  /** A power cut puts another log in the place of `written`. */
  log: ShadowLog;
  term: Term;
  vote: NodeId | undefined;
  commit: Index;
}

type Place = "written" | "durable";

export class MonotonicState implements Check {
  readonly name = "monotonic-state";
  private readonly stage: Stage;
  private readonly written: WeakMap<ShadowReplica, Seen> = new WeakMap();
  private readonly durable: WeakMap<ShadowReplica, Seen> = new WeakMap();

  constructor(stage: Stage) {
    this.stage = stage;
  }

  onWritten(replica: ShadowReplica): void {
    const seen = this.written.get(replica);
    if (seen?.log === replica.written) this.advance(replica, seen, "written");
    else this.written.set(replica, seenIn(replica.written));
  }

  onDurable(replica: ShadowReplica): void {
    const seen = this.durable.get(replica);
    if (seen !== undefined) this.advance(replica, seen, "durable");
    else this.durable.set(replica, seenIn(replica.durable));
  }

  /** What a store found counts as durable: its replicas speak upon it. */
  onRecovered(node: NodeId, _shardId: ShardId, groups: readonly RecoveredGroup[]): void {
    for (const { descriptor } of groups) {
      const replica = this.stage.shadow(node, descriptor.group);
      if (replica === undefined) continue;
      this.onDurable(replica);
      this.written.set(replica, seenIn(replica.written));
    }
  }

  private advance(replica: ShadowReplica, seen: Seen, place: Place): void {
    const { node, group } = replica;
    const { term, vote, commit } = replica[place];
    if (term < seen.term) throw this.fall(`${place} term`, { node, group }, [seen.term, term]);
    if (commit < seen.commit) {
      throw this.fall(`${place} commit index`, { node, group }, [seen.commit, commit]);
    }
    if (term === seen.term && seen.vote !== undefined && vote !== seen.vote) {
      throw new Violation(
        this.name,
        `the ${place} vote of ${node} in term ${term} of group ${group} was ${seen.vote} and ` +
          `becomes ${vote ?? "none"}`,
      );
    }
    seen.term = term;
    seen.vote = vote;
    seen.commit = commit;
  }

  private fall(
    what: string,
    { node, group }: { node: NodeId; group: GroupId },
    [from, to]: readonly [number, number],
  ): Violation {
    const text = `the ${what} of ${node} in group ${group} falls from ${from} to ${to}`;
    return new Violation(this.name, text);
  }
}

function seenIn(log: ShadowLog): Seen {
  const { term, vote, commit } = log;
  return { log, term, vote, commit };
}
