/**
 * State Machine Safety, as far as logs go: what is committed never changes, and everybody who says
 * that an index is committed has the same entry there (thesis figure 3.2, §3.6.2, §3.6.3).
 *
 * An entry counts as committed once anybody shows that he knows it: by a commit index in a message,
 * in a commit given to a store, or by applying it. Which entry it is, that replica's log tells. A
 * round hands its messages to the network before it gives its store the round's entries, so a
 * commit index beyond the log is looked at again when the turn is over.
 *
 * A committed entry may still be replaced where it is not part of what committed it: a follower in
 * an older term than the one in which it was committed can hold it and listen to a leader of that
 * older term. So a disk may lose it only while a majority of others has it, and never in or after
 * the term in which it was committed.
 */
import type { Index, NodeId, Term } from "../../../base/index.ts";
import type { AppliedEntry, Check, SentMessage, Stage } from "../check.ts";
import type { ShadowChange, ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";
import type { GroupLife, GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

/** Somebody's knowledge that everything up to an index is committed. */
interface Observation {
  readonly replica: ShadowReplica;
  readonly to: Index;
  readonly term: Term;
}

export class CommittedEntries implements Check {
  readonly name = "committed-entries";
  private readonly stage: Stage;
  private readonly lives: GroupLives;
  /** Of messages of the present turn. */
  private early: Observation[] = [];

  constructor(stage: Stage) {
    this.stage = stage;
    this.lives = livesOf(stage);
  }

  onSend(sent: SentMessage): void {
    const { message } = sent;
    switch (message.kind) {
      case "appendRequest":
      case "heartbeatRequest":
      case "commitNotice":
      case "parkRequest":
      case "timeoutNow": {
        const replica = this.lives.senderOf(sent);
        if (replica === undefined) return;
        const to = "commit" in message ? message.commit : message.index;
        const { term } = message;
        if (to > replica.written.lastIndex) this.early.push({ replica, to, term });
        else this.observe(replica, to, term);
        return;
      }
      default:
    }
  }

  onWritten(replica: ShadowReplica, change: ShadowChange): void {
    if (change.terms.length > 0) this.checkReplaced(replica, change.first);
    this.observe(replica, change.commit, replica.written.term);
  }

  onApplied({ node, group, index }: AppliedEntry): void {
    const replica = this.stage.shadow(node, group);
    if (replica === undefined) return;
    this.observe(replica, index, replica.written.term);
  }

  onTurn({ node }: { readonly node: NodeId }): void {
    if (this.early.length === 0) return;
    const due = this.early.filter(({ replica }) => replica.node === node);
    this.early = this.early.filter(({ replica }) => replica.node !== node);
    for (const { replica, to, term } of due) this.observe(replica, to, term);
  }

  onStopped(node: NodeId): void {
    if (this.early.length === 0) return;
    this.early = this.early.filter(({ replica }) => replica.node !== node);
  }

  private observe(replica: ShadowReplica, to: Index, term: Term): void {
    const life = this.lives.of(replica);
    const { committed } = life;
    const known = committed.lastIndex;
    const agreed = committed.agreedTo(replica);
    if (agreed < Math.min(to, known)) throw this.disagreement(life, replica, agreed + 1);
    if (to <= known) return;
    const { terms, hashes, lastIndex } = replica.written;
    if (to > lastIndex) {
      throw new Violation(
        this.name,
        `${replica.node} knows entries up to ${to} of group ${life.group} to be committed, ` +
          `and has written ${lastIndex}`,
      );
    }
    for (let at = known; at < to; at += 1) {
      committed.append(terms[at] ?? 0, hashes[at] ?? 0, term);
    }
    const growth = { life, from: known + 1, to: to + 1, term };
    for (const listener of this.lives.commitListeners) listener(growth);
  }

  private disagreement(life: GroupLife, replica: ShadowReplica, index: Index): Violation {
    const { committed, group } = life;
    const term = committed.terms[index - 1];
    const own = replica.written.termAt(index);
    return new Violation(
      this.name,
      `entry ${index} of group ${group} is committed with term ${term}; ${replica.node}, which ` +
        `knows it to be committed, has ${own === undefined ? "none" : `another of term ${own}`}`,
    );
  }

  /** `durable` does not have the change yet: it tells what the disk is about to lose. */
  private checkReplaced(replica: ShadowReplica, first: Index): void {
    const { durable, written } = replica;
    const life = this.lives.of(replica);
    const { committed } = life;
    committed.cut(replica, first);
    const end = Math.min(durable.lastIndex, committed.lastIndex);
    for (let index = first; index <= end; index += 1) {
      if (!committed.isIn(durable, index) || committed.isIn(written, index)) continue;
      const left = life.holdersOf(index, replica.node);
      const late = durable.term >= (committed.committedIn[index - 1] ?? 0);
      if (left >= life.majority && !late) continue;
      throw new Violation(
        this.name,
        `${replica.node} replaces entry ${index} of group ${life.group} in term ` +
          `${written.term}; it was committed in term ${committed.committedIn[index - 1]}, and ` +
          `${left} of ${life.members.length} other disks have it`,
      );
    }
  }
}
