/**
 * A vote goes only to a candidate whose log is at least as up to date as the voter's: the later
 * last term wins, then the longer log (thesis §3.6.1). So whoever wins has everything that is
 * committed.
 *
 * The candidate's log is taken from its own request. A voter that has entries of the very term it
 * votes in has heard the winner already; its log says nothing about when it voted.
 */
import type { Index, NodeId, Term } from "../../../base/index.ts";
import type { Check, SentMessage, Stage } from "../check.ts";
import { Violation } from "../violation.ts";
import type { GroupLife, GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

interface Campaign {
  readonly candidate: NodeId;
  readonly term: Term;
  readonly lastIndex: Index;
  readonly lastTerm: Term;
}

export class UpToDateVotes implements Check {
  readonly name = "up-to-date-votes";
  private readonly lives: GroupLives;
  /** The newest campaign of each candidate. */
  private readonly campaigns: WeakMap<GroupLife, Map<NodeId, Campaign>> = new WeakMap();

  constructor(stage: Stage) {
    this.lives = livesOf(stage);
  }

  onSend(sent: SentMessage): void {
    const { message } = sent;
    if (message.kind !== "voteRequest" && message.kind !== "voteResponse") return;
    const replica = this.lives.senderOf(sent);
    if (replica === undefined) return;
    const life = this.lives.of(replica);
    const campaigns = this.campaigns.get(life) ?? new Map<NodeId, Campaign>();
    this.campaigns.set(life, campaigns);
    const { term } = message;
    if (message.kind === "voteRequest") {
      const { lastIndex, lastTerm } = message;
      campaigns.set(sent.from, { candidate: sent.from, term, lastIndex, lastTerm });
      return;
    }
    const campaign = campaigns.get(sent.to);
    if (!message.granted || campaign?.term !== term) return;
    const { lastIndex } = replica.durable;
    const lastTerm = replica.durable.termAt(lastIndex) ?? 0;
    const behind =
      campaign.lastTerm < lastTerm ||
      (campaign.lastTerm === lastTerm && campaign.lastIndex < lastIndex);
    if (lastTerm >= term || !behind) return;
    throw new Violation(
      this.name,
      `${sent.from} votes in term ${term} of group ${sent.group} for ${sent.to}, whose log ends ` +
        `with (${campaign.lastIndex}, ${campaign.lastTerm}); its own ends with ` +
        `(${lastIndex}, ${lastTerm})`,
    );
  }
}
