/**
 * Whoever leads a term was given the votes of a majority of different members, its own among them,
 * in that very term (thesis §3.4); and, unless it was told to campaign, it had asked them first
 * whether they would (§9.6), so that a replica that nobody would elect raises nobody's term.
 *
 * Votes are counted as they leave their voters: one that is in flight twice counts once, a refusal
 * and one of another term not at all.
 */
import type { NodeId, Term } from "../../../base/index.ts";
import type { Check, SentMessage, Stage } from "../check.ts";
import type { ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";
import type { GroupLife, GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

/** Who said yes, by term and candidate. */
class Ballots {
  private readonly voters: Map<string, Set<NodeId>> = new Map();

  add(term: Term, candidate: NodeId, voter: NodeId): void {
    const name = `${term} ${candidate}`;
    const voters = this.voters.get(name);
    if (voters === undefined) this.voters.set(name, new Set([voter]));
    else voters.add(voter);
  }

  /** With the candidate's own. */
  count(term: Term, candidate: NodeId): number {
    const voters = this.voters.get(`${term} ${candidate}`);
    return (voters?.size ?? 0) + 1;
  }
}

export class ElectedByMajority implements Check {
  readonly name = "elected-by-majority";
  private readonly lives: GroupLives;
  private readonly votes: WeakMap<GroupLife, Ballots> = new WeakMap();
  private readonly preVotes: WeakMap<GroupLife, Ballots> = new WeakMap();

  constructor(stage: Stage) {
    this.lives = livesOf(stage);
    this.lives.leaderListeners.push((life, { term, replica }) =>
      this.onLeader(life, term, replica),
    );
  }

  onSend(sent: SentMessage): void {
    const { message, from, to } = sent;
    const { kind } = message;
    if (kind !== "preVoteResponse" && kind !== "voteResponse" && kind !== "voteRequest") return;
    const replica = this.lives.senderOf(sent);
    if (replica === undefined) return;
    const life = this.lives.of(replica);
    const { term } = message;
    if (kind === "voteRequest") {
      const asked = ballotsOf(this.preVotes, life).count(term, from);
      if (!message.force && asked < life.majority) throw this.unasked(life, from, term, asked);
    } else if (message.granted) {
      const kept = kind === "voteResponse" ? this.votes : this.preVotes;
      ballotsOf(kept, life).add(term, to, from);
    }
  }

  private onLeader(life: GroupLife, term: Term, { node }: ShadowReplica): void {
    const count = ballotsOf(this.votes, life).count(term, node);
    if (count >= life.majority) return;
    throw new Violation(
      this.name,
      `${node} leads group ${life.group} in term ${term} with ${count} of ` +
        `${life.members.length} votes`,
    );
  }

  private unasked(life: GroupLife, node: NodeId, term: Term, count: number): Violation {
    return new Violation(
      this.name,
      `${node} campaigns for term ${term} of group ${life.group}, for which ${count} of ` +
        `${life.members.length} members would have voted`,
    );
  }
}

function ballotsOf(kept: WeakMap<GroupLife, Ballots>, life: GroupLife): Ballots {
  const known = kept.get(life);
  if (known !== undefined) return known;
  const fresh = new Ballots();
  kept.set(life, fresh);
  return fresh;
}
