/**
 * Where the answer to a call goes: to this node's engine by mail, or, for a call that another node
 * forwarded, back over the wire. A `ReplyTo` is a number, so that a proposal costs no object: the
 * engine's call number, or, below zero, a forwarded request of this shard.
 */
import { RaftError, assert, errorToWire, limits } from "../base/index.ts";
import type { GroupId, Index, NodeId, WireError } from "../base/index.ts";
import { encodeCbor } from "../wire/index.ts";
import type { ByteShares } from "./byte-budget.ts";
import { CallDeadlines } from "./call-deadlines.ts";
import { encodeTrusted } from "./control-codec.ts";
import { answerKind } from "./mail-records.ts";
import type { ShardEvent } from "./mail-records.ts";
import { MailWriter } from "./mail.ts";
import type { Outboxes } from "./outboxes.ts";

export type ReplyTo = number;
/** Nobody waits for the answer. */
export const noReply: ReplyTo = 0;

/** What a shard tells without being asked; also of use before there is a shard. */
export function writeEvent(mail: MailWriter, event: ShardEvent): void {
  const bytes = encodeTrusted(event);
  mail.begin(answerKind.event, bytes.length);
  mail.block(bytes);
}

/** What one frame carries besides an answer. */
const frameReserveBytes = 1_024;

/** An error that stands in place of an answer, roughly. */
const errorBytes = 1_024;

const nothing = new Uint8Array(0);

/** The command has had its effect: only what came of it is lost. */
function answerTooLarge(what: string, bytes: number): RaftError {
  const message = `The ${what} of a call have ${bytes} bytes; at most ${limits.answerBytesMax} can be sent`;
  return new RaftError("ERR_ENTRY_TOO_LARGE", message, { outcome: "unknown" });
}

/** A call that another node's shard forwards to this one. */
export interface NewForwarded {
  readonly node: NodeId;
  /** The request's id there. */
  readonly id: number;
  readonly group: GroupId;
  /** Results awaited; 1 for a read. */
  readonly results: number;
  /** Memory that it takes until it is answered. */
  readonly bytes: number;
  readonly deadlineMs: number;
}

interface Forwarded extends NewForwarded {
  /** Results still to come. */
  missing: number;
  index: Index;
  /** Of the answers so far. */
  answerBytes: number;
  /** Set once they are more than a frame takes. */
  tooLarge: WireError | undefined;
  readonly answers: (Uint8Array | WireError)[];
}

export interface RepliesOwner {
  readonly postMail: (mail: ArrayBuffer) => void;
  /** There may be room for answers again: see `Replies.mayAnswer`. */
  readonly roomAgain: () => void;
}

export class Replies {
  readonly mail: MailWriter = new MailWriter();
  readonly deadlines: CallDeadlines = new CallDeadlines();
  private readonly outboxes: Outboxes;
  /** Of what waits for room on lanes: beyond half of it an answer is replaced by an error. */
  private readonly shares: Pick<ByteShares, "forwarded" | "unread" | "waiting">;
  private readonly owner: RepliesOwner;
  /** The `failed` record written last, likewise. */
  private readonly failures: {
    error: RaftError | undefined;
    take: number;
    hole: number;
    count: number;
    end: number;
  } = { error: undefined, take: 0, hole: 0, count: 0, end: 0 };
  /** The error sent to another node last, and its bytes. */
  private sentError: { readonly error: RaftError; readonly payload: Uint8Array } | undefined;
  /** The `applied` record written last: where its count stands, and what would continue it. */
  private readonly run = { call: noReply, take: 0, hole: 0, count: 0, next: 0, end: 0 };
  private readonly forwarded: Map<ReplyTo, Forwarded> = new Map();
  private nextForwarded: ReplyTo = -1;
  /** Memory that the forwarded calls here take, with their results so far. */
  forwardedBytes = 0;
  /** Those of them that have some of their results, by age. */
  private readonly gathering: Set<ReplyTo> = new Set();
  /** Results and answers to the engine, of which it has not said that it has read them. */
  unreadBytes = 0;
  /** The most that was answered to one call. */
  answerBytesMax = 0;

  /** Answers that the `values` record written last still lacks. */
  private answersMissing = 0;
  /** Of that record, so far: of the answers themselves, and with what surrounds them. */
  private answerBytes = 0;
  private answerUnread = 0;

  constructor(
    outboxes: Outboxes,
    shares: Pick<ByteShares, "forwarded" | "unread" | "waiting">,
    owner: RepliesOwner,
  ) {
    this.outboxes = outboxes;
    this.shares = shares;
    this.owner = owner;
  }

  /** Hands the mail written so far to the engine. */
  post(): void {
    if (this.mail.count > 0) this.owner.postMail(this.mail.take());
  }

  /** Whether answers that the engine has not read use up their share. */
  get engineIsBehind(): boolean {
    return this.unreadBytes >= this.shares.unread;
  }

  /**
   * Whether there is room for a result of a call. It waits until the engine has read what it was
   * answered; of calls of other nodes whose results are gathered, the oldest one always goes on, so
   * that it makes room.
   */
  mayAnswer(replyTo: ReplyTo): boolean {
    if (replyTo >= 0) return replyTo === noReply || !this.engineIsBehind;
    if (this.forwardedBytes < this.shares.forwarded) return true;
    const [oldest] = this.gathering;
    if (oldest === undefined || oldest === replyTo) return true;
    return this.forwarded.get(replyTo)?.results === 1;
  }

  /** The engine has read so many bytes of results and answers. */
  takeReceipt(bytes: number): void {
    const wasBehind = this.engineIsBehind;
    // What was read of an earlier shard is of no account.
    this.unreadBytes = Math.max(0, this.unreadBytes - bytes);
    if (wasBehind && !this.engineIsBehind) this.owner.roomAgain();
  }

  get forwardedCount(): number {
    return this.forwarded.size;
  }

  /** Whether a call may have no effect any more: its deadline has passed, or it was taken back. */
  isOver(replyTo: ReplyTo, nowMs: number): boolean {
    if (replyTo > 0) return this.deadlines.isOver(replyTo, nowMs);
    return (this.forwarded.get(replyTo)?.deadlineMs ?? nowMs + 1) <= nowMs;
  }

  /** Answers a call that is over and has had no effect. */
  over(replyTo: ReplyTo): void {
    const error =
      replyTo > 0 && this.deadlines.isCanceled(replyTo)
        ? new RaftError("ERR_ABORTED", "The call was aborted", { outcome: "none" })
        : new RaftError("ERR_TIMEOUT", "The call was not begun before its deadline", {
            outcome: "none",
          });
    this.failed(replyTo, error);
  }

  /** Registers a forwarded call. */
  addForwarded(call: NewForwarded): ReplyTo {
    const replyTo = this.nextForwarded;
    this.nextForwarded -= 1;
    this.forwarded.set(replyTo, {
      ...call,
      missing: call.results,
      index: 0,
      answerBytes: 0,
      tooLarge: undefined,
      answers: [],
    });
    this.forwardedBytes += call.bytes;
    return replyTo;
  }

  private takeForwarded(replyTo: ReplyTo): Forwarded | undefined {
    const call = this.forwarded.get(replyTo);
    if (call === undefined) return undefined;
    this.forwarded.delete(replyTo);
    this.forwardedBytes -= call.bytes + call.answerBytes;
    if (this.gathering.delete(replyTo)) this.owner.roomAgain();
    return call;
  }

  /** One entry's result. */
  applied(replyTo: ReplyTo, index: Index, result: Uint8Array | undefined): void {
    const bytes = result ?? nothing;
    if (bytes.length > limits.answerBytesMax) {
      this.applyFailed(replyTo, index, answerTooLarge("result", bytes.length));
      return;
    }
    if (replyTo < 0) {
      this.addResult(replyTo, index, bytes);
      return;
    }
    this.addApplied(replyTo, index, bytes, false);
  }

  /** The state machine threw on an entry. */
  applyFailed(replyTo: ReplyTo, index: Index, error: RaftError): void {
    if (replyTo < 0) {
      this.addResult(replyTo, index, errorToWire(error));
      return;
    }
    this.addApplied(replyTo, index, encodeTrusted(errorToWire(error)), true);
  }

  /** Results of one call, entry after entry, share a record as long as nothing comes between. */
  private addApplied(call: number, index: Index, bytes: Uint8Array, failed: boolean): void {
    const { mail, run } = this;
    if (run.call === call && run.next === index && run.end === mail.size && run.take === mail.takes)
      mail.reserve(bytes.length + 8);
    else {
      mail.begin(answerKind.applied, bytes.length);
      mail.word(call);
      mail.double(index);
      run.call = call;
      run.take = mail.takes;
      run.count = 0;
      run.hole = mail.hole();
    }
    this.countUnread(mail.result(bytes, failed));
    run.count += 1;
    mail.fill(run.hole, run.count);
    run.next = index + 1;
    run.end = mail.size;
    if (mail.full) this.post();
  }

  /** Results of a call together must fit into a frame: beyond it each is an error of its own. */
  private addResult(replyTo: ReplyTo, index: Index, result: Uint8Array | WireError): void {
    const call = this.forwarded.get(replyTo);
    assert(call !== undefined, "a forwarded call is answered once");
    if (call.answers.length === 0) call.index = index;
    let answer = result;
    const size = result instanceof Uint8Array ? result.length + 5 : errorBytes;
    if (call.answerBytes + size > limits.answerBytesMax) {
      call.tooLarge ??= errorToWire(answerTooLarge("results", call.answerBytes + size));
      answer = call.tooLarge;
    } else {
      call.answerBytes += size;
      this.forwardedBytes += size;
      this.answerBytesMax = Math.max(this.answerBytesMax, call.answerBytes);
      if (answer instanceof Uint8Array) answer = new Uint8Array(answer);
    }
    call.answers.push(answer);
    call.missing -= 1;
    if (call.missing > 0) {
      this.gathering.add(replyTo);
      return;
    }
    this.takeForwarded(replyTo);
    // The errors above take no room of their own: all of them or none.
    if (call.tooLarge === undefined) this.respond(call, false, encodeCbor(call.answers));
    else this.respond(call, true, encodeCbor(call.tooLarge));
  }

  /**
   * Begins the answers to a read of `count` queries; `answered` or `answerFailed` for each follows,
   * and nothing else before that. `ageMs`: how long ago this replica last knew that it was up to
   * date; 0 for linearizable reads.
   */
  beginAnswers(
    replyTo: ReplyTo,
    { index, ageMs, count }: { index: Index; ageMs: number; count: number },
  ): void {
    if (replyTo < 0) return;
    const { mail } = this;
    mail.begin(answerKind.values, 0);
    mail.word(replyTo);
    mail.double(index);
    mail.double(ageMs);
    mail.word(count);
    this.answersMissing = count;
    this.answerBytes = 0;
    this.answerUnread = 0;
  }

  answered(replyTo: ReplyTo, index: Index, answer: Uint8Array | undefined): void {
    const bytes = answer ?? nothing;
    if (replyTo < 0) this.addResult(replyTo, index, bytes);
    else if (this.answerBytes + bytes.length > limits.answerBytesMax) {
      const size = this.answerBytes + bytes.length;
      this.answerFailed(replyTo, index, answerTooLarge("answers", size).withOutcome("none"));
    } else {
      this.answerBytes += bytes.length;
      this.addAnswer(bytes, false);
    }
  }

  /** The state machine threw on a query. */
  answerFailed(replyTo: ReplyTo, index: Index, error: RaftError): void {
    if (replyTo < 0) this.addResult(replyTo, index, errorToWire(error));
    else this.addAnswer(encodeTrusted(errorToWire(error)), true);
  }

  private addAnswer(bytes: Uint8Array, failed: boolean): void {
    this.mail.reserve(bytes.length + 8);
    this.answerUnread += this.countUnread(this.mail.result(bytes, failed));
    this.answerBytesMax = Math.max(this.answerBytesMax, this.answerUnread);
    this.answersMissing -= 1;
    if (this.answersMissing === 0 && this.mail.full) this.post();
  }

  /** Notes what a result takes until it is read. */
  private countUnread(bytes: number): number {
    this.unreadBytes += bytes;
    this.answerBytesMax = Math.max(this.answerBytesMax, bytes);
    return bytes;
  }

  failed(replyTo: ReplyTo, error: RaftError): void {
    if (replyTo < 0) {
      const call = this.takeForwarded(replyTo);
      if (call === undefined) return;
      if (this.sentError?.error !== error) {
        this.sentError = { error, payload: encodeCbor(errorToWire(error)) };
      }
      this.respond(call, true, this.sentError.payload);
      return;
    }
    this.addFailed(replyTo, error);
  }

  /**
   * Calls that fail with one error share a record as long as nothing comes between: when a leader
   * falls, tens of thousands do.
   */
  private addFailed(call: number, error: RaftError): void {
    const { mail, failures } = this;
    const goesOn =
      failures.error === error && failures.take === mail.takes && failures.end === mail.size;
    if (goesOn) mail.reserve(8);
    else {
      const bytes = encodeTrusted(errorToWire(error));
      mail.begin(answerKind.failed, bytes.length);
      failures.hole = mail.hole();
      mail.block(bytes);
      failures.error = error;
      failures.take = mail.takes;
      failures.count = 0;
    }
    mail.word(call);
    failures.count += 1;
    mail.fill(failures.hole, failures.count);
    failures.end = mail.size;
    if (mail.full) this.post();
  }

  control(call: number, answer: unknown): void {
    if (call === noReply) return;
    const bytes = encodeTrusted(answer);
    this.mail.begin(answerKind.control, bytes.length);
    this.mail.word(call);
    this.mail.block(bytes);
  }

  event(event: ShardEvent): void {
    writeEvent(this.mail, event);
  }

  /**
   * Where the connection is gone the caller's own deadline, or the loss of its link, tells it that
   * the outcome is unknown.
   */
  private respond(call: Forwarded, failed: boolean, payload: Uint8Array): void {
    const { node, id, group, index } = call;
    if (payload.length > limits.frameBytesMax - frameReserveBytes) {
      const message = `The answer for ${node} has ${payload.length} bytes; a frame takes ${limits.frameBytesMax}`;
      const error = new RaftError("ERR_ENTRY_TOO_LARGE", message, { outcome: "unknown" });
      this.respond(call, true, encodeCbor(errorToWire(error)));
      return;
    }
    const response = { kind: "shardResponse", id, group, failed, index } as const;
    if (this.outboxes.heldBytes < this.shares.waiting / 2 || payload.length < errorBytes) {
      this.outboxes.sendResponse(node, { ...response, payload });
      return;
    }
    const message = `${this.outboxes.heldBytes} bytes of answers wait for room on connections (half a sixteenth of shardBytesMax)`;
    const busy = new RaftError("ERR_BUSY", message, { outcome: "unknown" });
    const refusal = encodeCbor(errorToWire(busy));
    this.outboxes.sendResponse(node, { ...response, failed: true, payload: refusal });
  }
}
