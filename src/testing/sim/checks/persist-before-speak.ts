/**
 * Persist, then speak: what a message promises is on the sender's disk when the message leaves
 * (thesis figure 3.1: "updated on stable storage before responding to RPCs"; §3.8). What must hold
 * of the disk, for a message of term T:
 *
 *   voteRequest        term T, the vote its own, and the log that it boasts of. Else a candidate
 *                      that forgets could campaign twice in one term with different logs
 *   voteResponse       granted: term T, the vote the receiver's. Else a voter that forgets votes
 *                      twice. Refused: term T
 *   leaders' messages  term T, the vote its own: it was elected with it
 *   appendResponse     accepted: term T and entries up to its index; a leader counts them.
 *                      Rejected: term T
 *   heartbeatResponse  term T: it confirms a leader, which a replica that fell back could not
 *   preVoteResponse    refused: term T. Granted, it promises nothing, and its term is the asked one
 *   preVoteRequest     nothing: it changes no state anywhere (§9.6)
 *
 * Where the disk has a later term than T, the promise is kept already: in T this replica will never
 * vote or take entries again. So only a vote in two directions is looked for then. And a leader
 * names to a follower no commit index beyond what that follower's disk has, unless it was lost.
 */
import { unreachable } from "../../../base/index.ts";
import type { Index, NodeId, Term } from "../../../base/index.ts";
import type { AppendResponse, VoteRequest } from "../../../raft/index.ts";
import type { Check, SentMessage, Stage } from "../check.ts";
import type { ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";
import type { GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

interface Vote {
  term: Term;
  vote: NodeId;
}

export class PersistBeforeSpeak implements Check {
  readonly name = "persist-before-speak";
  private readonly stage: Stage;
  private readonly lives: GroupLives;
  /** The newest vote that each replica spoke of. */
  private readonly spoken: WeakMap<ShadowReplica, Vote> = new WeakMap();
  private readonly lost: Set<NodeId> = new Set();

  constructor(stage: Stage) {
    this.stage = stage;
    this.lives = livesOf(stage);
  }

  onSend(sent: SentMessage): void {
    const { message } = sent;
    const replica = this.lives.senderOf(sent);
    if (replica === undefined) return;
    switch (message.kind) {
      case "preVoteRequest":
        return;
      case "preVoteResponse":
        if (!message.granted) this.checkTerm(sent, replica);
        return;
      case "voteRequest":
        this.checkVote(sent, replica, sent.from);
        this.checkBoast(replica, message);
        return;
      case "voteResponse":
        if (message.granted) this.checkVote(sent, replica, sent.to);
        else this.checkTerm(sent, replica);
        return;
      case "appendRequest":
      case "timeoutNow":
        this.checkVote(sent, replica, sent.from);
        return;
      case "parkRequest":
        this.checkVote(sent, replica, sent.from);
        this.checkCommit(sent, replica, message.index);
        return;
      case "heartbeatRequest":
      case "commitNotice":
        this.checkVote(sent, replica, sent.from);
        this.checkCommit(sent, replica, message.commit);
        return;
      case "appendResponse":
        this.checkTerm(sent, replica);
        if (!message.rejected) this.checkEntries(replica, message);
        return;
      case "heartbeatResponse":
      case "parkResponse":
        this.checkTerm(sent, replica);
        return;
      default:
        unreachable(message);
    }
  }

  onDiskLost(node: NodeId): void {
    this.lost.add(node);
  }

  private checkTerm({ message, to }: SentMessage, { durable, node, group }: ShadowReplica): void {
    if (durable.term >= message.term) return;
    throw new Violation(
      this.name,
      `${node} sends ${to} a ${message.kind} of term ${message.term} in group ${group}; its disk ` +
        `has term ${durable.term}`,
    );
  }

  private checkVote(sent: SentMessage, replica: ShadowReplica, vote: NodeId): void {
    this.checkTerm(sent, replica);
    const { durable, node, group } = replica;
    const { kind, term } = sent.message;
    if (durable.term === term && durable.vote !== vote) {
      throw new Violation(
        this.name,
        `${node} sends ${sent.to} a ${kind} of term ${term} in group ${group}, which rests on a ` +
          `vote for ${vote}; its disk has ${durable.vote ?? "none"}`,
      );
    }
    const spoken = this.spoken.get(replica);
    if (spoken === undefined) this.spoken.set(replica, { term, vote });
    else if (spoken.term < term) {
      spoken.term = term;
      spoken.vote = vote;
    } else if (spoken.term === term && spoken.vote !== vote) {
      throw new Violation(
        this.name,
        `${node} spoke of a vote for ${spoken.vote} and speaks of one for ${vote}, both in term ` +
          `${term} of group ${group}`,
      );
    }
  }

  /** In a term with another leader its log may have changed since the vote was cast. */
  private checkBoast(replica: ShadowReplica, { term, lastIndex, lastTerm }: VoteRequest): void {
    const { durable, node, group } = replica;
    if (durable.term !== term || durable.termAt(lastIndex) === lastTerm) return;
    const leader = this.lives.of(replica).leaders.get(term);
    if (leader !== undefined && leader.replica !== replica) return;
    throw new Violation(
      this.name,
      `${node} asks for votes in term ${term} of group ${group} with entry ${lastIndex} of term ` +
        `${lastTerm}, which its disk does not have`,
    );
  }

  /** In a later term a new leader may have replaced what was acknowledged to the old one. */
  private checkEntries(replica: ShadowReplica, { term, index }: AppendResponse): void {
    const { durable, node, group } = replica;
    if (durable.term !== term || durable.lastIndex >= index) return;
    throw new Violation(
      this.name,
      `${node} acknowledges entries up to ${index} of group ${group} in term ${term}; its disk ` +
        `has ${durable.lastIndex}`,
    );
  }

  private checkCommit(
    { from, to, group, message }: SentMessage,
    { birth }: ShadowReplica,
    commit: Index,
  ): void {
    if (commit === 0 || this.lost.has(to)) return;
    const receiver = this.stage.shadow(to, group);
    if (receiver?.birth !== birth || receiver.durable.lastIndex >= commit) return;
    throw new Violation(
      this.name,
      `${from} tells ${to} by a ${message.kind} that ${commit} entries of group ${group} are ` +
        `committed; ${to}'s disk has ${receiver.durable.lastIndex}`,
    );
  }
}
