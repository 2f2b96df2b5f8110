/**
 * Applies committed entries in bounded slices and answers their proposers. Decoupled from
 * replication: a slow state machine delays its own results, while acknowledgements and heartbeats
 * go on between slices.
 */
import { RaftError, assert, isRejection, messageOf } from "../base/index.ts";
import type { Index, Term } from "../base/index.ts";
import { EntryCursor, blockKind, lastIndexOf } from "../raft/index.ts";
import type { Block } from "../raft/index.ts";
import type { ShardContext } from "./context.ts";
import { DiskWindow } from "./disk-window.ts";
import { endFor } from "./groups.ts";
import { isResultError, resultFault, resultInvalid } from "./machine-result.ts";
import type { Read } from "./reads.ts";
import type { Replica } from "./replica.ts";
import { noReply } from "./replies.ts";
import type { ReplyTo } from "./replies.ts";
import type { Entry, StateMachine } from "./state-machine.ts";

/** A turn's end by time: small entries, or slow ones, must not make one of seconds. */
const applyMsMax = 10;
/** Entries, or calls of reads, between two looks at the clock, if they are fast. */
const applyStrideMax = 32;
/** If so many took longer than this, the clock is looked at more often. */
const applyStrideMs = 2;

class CommittedEntry implements Entry {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  index: Index = 0;
  term: Term = 0;
  timeMs = 0;

  get command(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}

export class Applier {
  private readonly context: ShardContext;
  private readonly cursor: EntryCursor = new EntryCursor();
  private readonly window: DiskWindow = new DiskWindow();
  private readonly entry: CommittedEntry = new CommittedEntry();
  /** The replica that this turn came to last. */
  private worked: Replica | undefined;
  /** When the present turn ends, in ms of the monotonic clock. */
  private untilMs = 0;
  /** When the clock was looked at last, and how many entries or reads ago. */
  private lookedMs = 0;
  private sinceLook = 0;
  /** The replica whose turn it is has an entry whose answer there is no room for. */
  private unanswered = false;
  /** After so many the clock is looked at again: few for a machine that is slow. */
  private stride = applyStrideMax;

  constructor(context: ShardContext) {
    this.context = context;
  }

  /**
   * Applies at most about `applyBytesMax` over all replicas that wait, or for as long as
   * `applyMsMax`; the rest is left to the next round, which begins with those that had no turn.
   */
  run(): void {
    const { context } = this;
    const { clock } = context.environment;
    const waiting = context.applying;
    context.applying = [];
    let budget = context.options.applyBytesMax;
    // An equal share for each, so that no group waits for another's long backlog.
    const share = Math.max(1, Math.floor(budget / waiting.length));
    this.lookedMs = clock.monotonicMs();
    this.untilMs = this.lookedMs + applyMsMax;
    this.sinceLook = 0;
    this.window.turn(context.environment.store.readSpan());
    let served = 0;
    for (; served < waiting.length && budget > 0; served += 1) {
      const replica = waiting[served];
      if (replica === undefined || this.lookedMs > this.untilMs) break;
      context.inHand.take(replica.group);
      if (this.mustWait(replica)) {
        context.applying.push(replica);
        continue;
      }
      replica.applying = false;
      if (!replica.running || replica.machine === undefined) continue;
      budget -= this.guard(replica, replica.machine, share);
      this.worked = replica;
    }
    if (this.worked !== undefined) this.look(this.worked);
    this.worked = undefined;
    if (served < waiting.length) {
      context.applying = [...waiting.slice(served), ...context.applying];
    }
    if (context.applying.length > 0) context.schedule();
  }

  /** Entries that are only on disk are read when the window is there. */
  private mustWait({ group, raft, running }: Replica): boolean {
    const { log } = raft.state;
    const next = log.applied + 1;
    if (!running || !log.canApply || log.holds(next)) return false;
    return !this.window.admits(this.context.environment.store.position(group, next));
  }

  /**
   * A log that cannot be read, or a state machine that must not go on, ends the replica and not the
   * shard.
   */
  private guard(replica: Replica, machine: StateMachine, bytesMax: number): number {
    try {
      return this.applyReplica(replica, machine, bytesMax);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      endFor(this.context, replica, error);
      return 0;
    }
  }

  private applyReplica(replica: Replica, machine: StateMachine, bytesMax: number): number {
    const { raft } = replica;
    let bytes = 0;
    this.unanswered = false;
    for (const block of raft.nextCommitted(bytesMax)) {
      const last =
        block.kind === blockKind.command
          ? this.applyBlock(replica, machine, block)
          : lastIndexOf(block);
      raft.applied(last);
      bytes += block.bytes.length + 1;
      if (last < lastIndexOf(block) || this.lookedMs > this.untilMs) break;
    }
    const readsGoOn = this.runReads(replica, machine);
    const { log } = raft.state;
    const reads = replica.reads.canRun(log.applied);
    if ((log.canApply && !this.unanswered) || (reads && readsGoOn)) {
      this.context.markApplying(replica);
    } else if (log.canApply || reads) this.context.waitToAnswer(replica);
    return bytes;
  }

  /** Returns the last entry that was applied: the rest of the block is left to a later turn. */
  private applyBlock(replica: Replica, machine: StateMachine, block: Block): Index {
    const { cursor, entry } = this;
    cursor.reset(block.bytes);
    entry.bytes = block.bytes;
    entry.term = block.term;
    entry.timeMs = block.timeMs;
    entry.index = block.first;
    const last = lastIndexOf(block);
    const { replies } = this.context;
    while (entry.index <= last) {
      const replyTo = nextReplyTo(replica, entry);
      if (!replies.mayAnswer(replyTo)) {
        this.unanswered = true;
        break;
      }
      assert(cursor.next(), "a block holds as many entries as it says");
      entry.start = cursor.start;
      entry.end = cursor.end;
      this.applyEntry(replica, machine, replyTo);
      entry.index += 1;
      if (this.isOver(replica)) break;
    }
    if (entry.index > last) assert(!cursor.next(), "a block holds as many entries as it says");
    this.context.counters.entriesApplied += entry.index - block.first;
    return entry.index - 1;
  }

  /**
   * Whether the turn is over, as of the last look at the clock. A machine that is slow is looked
   * after more often, at last with each entry. One whose work on a few entries takes longer than an
   * election holds up the whole shard, and its groups lose their leaders: that is told.
   */
  private isOver(replica: Replica): boolean {
    this.sinceLook += 1;
    if (this.sinceLook < this.stride) return false;
    const tookMs = this.look(replica);
    this.stride =
      tookMs > applyStrideMs
        ? Math.max(1, this.stride >> 2)
        : Math.min(applyStrideMax, this.stride * 2);
    return this.lookedMs > this.untilMs;
  }

  /** Returns how long the work since the last look at the clock took, in ms. */
  private look(replica: Replica): number {
    const nowMs = this.context.environment.clock.monotonicMs();
    const tookMs = nowMs - this.lookedMs;
    this.lookedMs = nowMs;
    const entries = this.sinceLook;
    this.sinceLook = 0;
    this.tellIfSlow(replica, { entries, tookMs });
    return tookMs;
  }

  private tellIfSlow(
    { group, raft }: Replica,
    work: { readonly entries: number; readonly tookMs: number },
  ): void {
    const { options, replies } = this.context;
    if (work.tookMs < options.electionTicks * options.tickMs) return;
    const { applied } = raft.state.log;
    replies.event({ kind: "machineSlow", group, applied, ...work });
  }

  /** @param replyTo who proposed the entry, if it was proposed here in this term */
  private applyEntry(replica: Replica, machine: StateMachine, replyTo: ReplyTo): void {
    const { entry } = this;
    const { replies } = this.context;
    let result: Uint8Array | undefined;
    let error: RaftError | undefined;
    try {
      result = machine.apply(entry);
      if (result !== undefined && !(result instanceof Uint8Array)) {
        const fault = resultFault(result);
        if (fault !== undefined) error = resultInvalid(fault);
      }
    } catch (thrown) {
      error = isResultError(thrown) ? thrown : this.applyFailed(replica, thrown);
    }
    if (replyTo === noReply) return;
    passReplyTo(replica);
    if (error === undefined) replies.applied(replyTo, entry.index, result);
    else replies.applyFailed(replyTo, entry.index, error);
  }

  /**
   * What a machine has changed before it threw stays changed: only its word that nothing was makes
   * the outcome "none".
   * @throws ERR_APPLY_FAILED if the option says so: the replica ends
   */
  private applyFailed({ group }: Replica, cause: unknown): RaftError {
    const message = `The state machine of group ${group} threw on entry ${this.entry.index}: ${messageOf(cause)}`;
    const rejected = isRejection(cause);
    // Its proposer is answered with everybody else who waits here: a batch must not be answered
    // for one entry and as a whole.
    if (this.context.options.applyError === "disable" && !rejected) {
      throw new RaftError("ERR_APPLY_FAILED", message, { outcome: "unknown", cause });
    }
    const outcome = rejected ? "none" : "unknown";
    return new RaftError("ERR_APPLY_FAILED", message, { outcome, cause });
  }

  /**
   * One call at least, so that reads come forward behind a machine that is slow to apply. Returns
   * whether there was room for their answers.
   */
  private runReads(replica: Replica, machine: StateMachine): boolean {
    const { reads, raft } = replica;
    const { replies } = this.context;
    const { applied } = raft.state.log;
    for (;;) {
      const next = reads.nextRunnable(applied) ?? noReply;
      // What is gathered for another node is complete when its queries have run.
      if (next > 0 && !replies.mayAnswer(next)) return false;
      const read = reads.takeRunnable(applied);
      if (read === undefined) return true;
      this.answer(replica, machine, read);
      if (this.isOver(replica) || this.lookedMs > this.untilMs) return true;
    }
  }

  /** Runs the queries of a call against the state as it is. */
  private answer(
    replica: Replica,
    machine: StateMachine,
    { replyTo, count, queries, local }: Read,
  ): void {
    const { replies, counters } = this.context;
    if (replies.isOver(replyTo, this.context.environment.clock.monotonicMs())) {
      replies.over(replyTo);
      return;
    }
    const index = replica.raft.state.log.applied;
    const ageMs = local ? replica.leaderAgeMs(this.lookedMs) : 0;
    counters.readsAnswered += count;
    replies.beginAnswers(replyTo, { index, ageMs, count });
    const { cursor } = this;
    cursor.reset(queries);
    while (cursor.next()) {
      let answer: Uint8Array | undefined;
      try {
        answer = machine.query(queries.subarray(cursor.start, cursor.end));
        const fault = resultFault(answer);
        if (fault !== undefined) throw new TypeError(`query returned ${fault}`);
      } catch (cause) {
        const message = `The state machine of group ${replica.group} threw on a query: ${messageOf(cause)}`;
        const error = new RaftError("ERR_QUERY_FAILED", message, { cause });
        replies.answerFailed(replyTo, index, error);
        continue;
      }
      replies.answered(replyTo, index, answer);
    }
  }
}

/** Who waits for the result of an entry, if it was proposed here in this term. */
function nextReplyTo(
  { sealed, sealedCall }: Replica,
  { index, term }: Pick<Entry, "index" | "term">,
): ReplyTo {
  const head = sealed[0];
  if (head === undefined || index < head.first || head.term !== term) return noReply;
  return head.replyTos[sealedCall] ?? noReply;
}

/** The entry of `nextReplyTo` has been applied. */
function passReplyTo(replica: Replica): void {
  const head = replica.sealed[0];
  replica.sealedEntry += 1;
  if (replica.sealedEntry !== head?.counts[replica.sealedCall]) return;
  replica.sealedEntry = 0;
  replica.sealedCall += 1;
  if (replica.sealedCall !== head.replyTos.length) return;
  replica.sealedCall = 0;
  replica.sealed.shift();
}
