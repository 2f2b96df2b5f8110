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
    const untilMs = clock.monotonicMs() + applyMsMax;
    this.window.turn();
    let served = 0;
    for (; served < waiting.length && budget > 0; served += 1) {
      const replica = waiting[served];
      if (replica === undefined || clock.monotonicMs() > untilMs) break;
      if (this.mustWait(replica)) {
        context.applying.push(replica);
        continue;
      }
      replica.applying = false;
      if (!replica.running || replica.machine === undefined) continue;
      budget -= this.guard(replica, replica.machine, share);
    }
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
    for (const block of raft.nextCommitted(bytesMax)) {
      if (block.kind === blockKind.command) this.applyBlock(replica, machine, block);
      raft.applied(lastIndexOf(block));
      bytes += block.bytes.length + 1;
    }
    this.runReads(replica, machine);
    if (raft.state.log.canApply) this.context.markApplying(replica);
    return bytes;
  }

  private applyBlock(replica: Replica, machine: StateMachine, block: Block): void {
    const { cursor, entry } = this;
    cursor.reset(block.bytes);
    entry.bytes = block.bytes;
    entry.term = block.term;
    entry.timeMs = block.timeMs;
    entry.index = block.first;
    while (cursor.next()) {
      entry.start = cursor.start;
      entry.end = cursor.end;
      this.applyEntry(replica, machine);
      entry.index += 1;
    }
    assert(entry.index === lastIndexOf(block) + 1, "a block holds as many entries as it says");
    this.context.counters.entriesApplied += block.count;
  }

  private applyEntry(replica: Replica, machine: StateMachine): void {
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
    const replyTo = this.takeReplyTo(replica, entry.term);
    if (replyTo === noReply) return;
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

  /** Who proposed the entry that was just applied, if it was proposed here in this term. */
  private takeReplyTo(replica: Replica, term: Term): ReplyTo {
    const head = replica.sealed[0];
    if (head === undefined || this.entry.index < head.first || head.term !== term) return noReply;
    const replyTo = head.replyTos[replica.sealedCall] ?? noReply;
    replica.sealedEntry += 1;
    if (replica.sealedEntry === head.counts[replica.sealedCall]) {
      replica.sealedEntry = 0;
      replica.sealedCall += 1;
      if (replica.sealedCall === head.replyTos.length) {
        replica.sealedCall = 0;
        replica.sealed.shift();
      }
    }
    return replyTo;
  }

  private runReads(replica: Replica, machine: StateMachine): void {
    const { applied } = replica.raft.state.log;
    let reads = replica.reads.takeRunnable(applied);
    while (reads !== undefined) {
      for (const read of reads) this.answer(replica, machine, read, 0);
      reads = replica.reads.takeRunnable(applied);
    }
  }

  /** Runs the queries of a call against the state as it is. */
  answer(
    replica: Replica,
    machine: StateMachine,
    { replyTo, count, queries }: Read,
    ageMs: number,
  ): void {
    const { replies, counters } = this.context;
    if (replies.isOver(replyTo, this.context.environment.clock.monotonicMs())) {
      replies.over(replyTo);
      return;
    }
    const index = replica.raft.state.log.applied;
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
