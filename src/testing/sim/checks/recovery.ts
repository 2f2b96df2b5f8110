/**
 * A shard that comes back finds exactly what its disk was given: no group more or less, term and
 * vote, commit index, and the terms of all entries (thesis figure 3.1, persistent state). What of
 * unfinished commits had reached the disk, the shadow knows.
 */
import type { NodeId, ShardId, Term } from "../../../base/index.ts";
import type { RecoveredGroup } from "../../../log/index.ts";
import type { Check, Stage } from "../check.ts";
import type { ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";

export class Recovery implements Check {
  readonly name = "recovery";
  private readonly stage: Stage;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  onRecovered(node: NodeId, shardId: ShardId, groups: readonly RecoveredGroup[]): void {
    const found = new Set(groups.map(({ descriptor }) => descriptor.group));
    if (found.size !== groups.length) throw this.fault(node, "finds a group twice");
    for (const group of this.stage.groups()) {
      if (found.has(group) || this.stage.shardOf(node, group) !== shardId) continue;
      if (this.stage.shadow(node, group) === undefined) continue;
      throw this.fault(node, `does not find group ${group}`);
    }
    for (const recovered of groups) {
      const { group } = recovered.descriptor;
      const replica = this.stage.shadow(node, group);
      if (replica === undefined) throw this.fault(node, `finds group ${group}, which is not there`);
      const difference = describeDifference(replica, recovered);
      if (difference !== undefined) {
        throw this.fault(node, `finds group ${group} with ${difference}`);
      }
    }
  }

  private fault(node: NodeId, what: string): Violation {
    return new Violation(this.name, `${node} ${what}`);
  }
}

function describeDifference(
  replica: ShadowReplica,
  { descriptor, ballot, commit, lastIndex, terms }: RecoveredGroup,
): string | undefined {
  const { written } = replica;
  const members = descriptor.members.map(({ node }) => node).join(" ");
  const own = descriptor.members.find(({ node }) => node === replica.node)?.incarnation;
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ["members", members, replica.members.join(" ")],
    ["incarnation", own, replica.incarnation],
    ["first member's incarnation", descriptor.members[0]?.incarnation, replica.birth],
    ["state", descriptor.state, replica.state],
    ["term", ballot.term, written.term],
    ["vote", ballot.vote, written.vote],
    ["commit index", commit, written.commit],
    ["last index", lastIndex, written.lastIndex],
  ];
  for (const [what, is, expected] of pairs) {
    if (is !== expected) return `${what} ${String(is)} instead of ${String(expected)}`;
  }
  const runs = terms.map(({ first, term }) => `${first}:${term}`).join(" ");
  const expected = describeRuns(written.terms);
  return runs === expected ? undefined : `entries ${runs} instead of ${expected}`;
}

function describeRuns(terms: readonly Term[]): string {
  const runs: string[] = [];
  let last: Term = 0;
  for (const [at, term] of terms.entries()) {
    if (term !== last) runs.push(`${at + 1}:${term}`);
    last = term;
  }
  return runs.join(" ");
}
