/**
 * The engine's side of one shard's mail, without the engine: calls out, answers in. It keeps the
 * account on which the engine relies: each call is answered exactly once.
 */
import { RaftError, errorFromWire } from "../../base/index.ts";
import type { GroupId, Index, WireError } from "../../base/index.ts";
import {
  MailReader,
  MailReceipts,
  MailWriter,
  answerKind,
  callFlag,
  callKind,
  decodeTrusted,
  encodeTrusted,
} from "../../shard/index.ts";
import type { ControlCall, ShardEvent } from "../../shard/index.ts";
import { Violation } from "./violation.ts";

/** One entry's answer: what the state machine returned, or what it threw. */
export interface EntryResult {
  readonly index: Index;
  readonly result: Uint8Array | RaftError;
}

/** What a call comes to. */
export type Answer =
  | { readonly kind: "applied"; readonly results: readonly EntryResult[] }
  | { readonly kind: "value"; readonly index: Index; readonly bytes: Uint8Array }
  | { readonly kind: "control"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: RaftError };

type Answered = (answer: Answer) => void;

interface Call {
  readonly what: string;
  /** Results to come; 0 for anything but a proposal. */
  readonly entries: number;
  readonly results: EntryResult[];
  readonly answered: Answered;
}

export interface CallOptions {
  readonly forward: boolean;
  readonly timeoutMs: number;
}

export class MailClient {
  private readonly writer: MailWriter = new MailWriter();
  private readonly calls: Map<number, Call> = new Map();
  private readonly receipts: MailReceipts;
  private nextCall = 1;
  private readonly wake: () => void;
  private readonly onEvent: (event: ShardEvent) => void;

  /** @param wake asks for a turn in which the mail is handed over */
  constructor(shardBytesMax: number, wake: () => void, onEvent: (event: ShardEvent) => void) {
    this.receipts = new MailReceipts(shardBytesMax);
    this.wake = wake;
    this.onEvent = onEvent;
  }

  takeMail(): ArrayBuffer | undefined {
    return this.writer.count > 0 ? this.writer.take() : undefined;
  }

  /** Calls without an answer yet. */
  get unanswered(): string[] {
    return [...this.calls.values()].map(({ what }) => what);
  }

  propose(
    group: GroupId,
    entries: readonly Uint8Array[],
    options: CallOptions,
    answered: Answered,
  ): void {
    const bytes = entries.reduce((sum, entry) => sum + entry.length + 5, 0);
    const call = this.open(`a proposal to group ${group}`, entries.length, answered);
    this.writer.begin(callKind.propose, bytes);
    this.head(group, call, options);
    this.writer.word(entries.length);
    this.writer.entries(entries);
  }

  read(group: GroupId, query: Uint8Array, options: CallOptions, answered: Answered): void {
    const call = this.open(`a read of group ${group}`, 0, answered);
    this.writer.begin(callKind.read, query.length + 5);
    this.head(group, call, options);
    this.writer.word(1);
    this.writer.entries([query]);
  }

  readLocal(group: GroupId, query: Uint8Array, answered: Answered): void {
    const call = this.open(`a local read of group ${group}`, 0, answered);
    this.writer.begin(callKind.readLocal, query.length + 5);
    this.writer.word(group);
    this.writer.word(call);
    this.writer.entries([query]);
  }

  control(request: ControlCall, answered: Answered): void {
    const bytes = encodeTrusted(request);
    const call = this.open(`a call ${request.kind}`, 0, answered);
    this.writer.begin(callKind.control, bytes.length);
    this.writer.word(call);
    this.writer.block(bytes);
  }

  /** Mail of the shard. */
  receive(mail: ArrayBuffer): void {
    const reader = new MailReader(mail);
    while (!reader.done) {
      const kind = reader.word();
      if (kind === answerKind.event) {
        reader.block();
        this.onEvent(decodeTrusted<ShardEvent>(reader.view()));
      } else this.takeAnswer(kind, reader);
    }
    if (this.receipts.note(reader, this.writer)) this.wake();
  }

  /** The shard's process is gone: nobody knows what became of its calls. */
  lose(): void {
    const calls = [...this.calls.values()];
    this.calls.clear();
    for (const { answered } of calls) {
      const error = new RaftError("ERR_SHARD_CRASHED", "the process is gone");
      answered({ kind: "failed", error });
    }
  }

  private callOf(id: number): Call {
    const call = this.calls.get(id);
    if (call !== undefined) return call;
    throw new Violation("calls-answered", `an answer came to call ${id}, which waits for none`);
  }

  private takeFailed(reader: MailReader): void {
    const count = reader.word();
    reader.block();
    const error = errorFromWire(decodeTrusted<WireError>(reader.view()));
    for (let left = count; left > 0; left -= 1) {
      const id = reader.word();
      const call = this.callOf(id);
      this.calls.delete(id);
      call.answered({ kind: "failed", error });
    }
  }

  private takeAnswer(kind: number, reader: MailReader): void {
    if (kind === answerKind.failed) {
      this.takeFailed(reader);
      return;
    }
    const id = reader.word();
    const call = this.callOf(id);
    if (kind === answerKind.applied) {
      const first = reader.double();
      const count = reader.word();
      for (let index = first; index < first + count; index += 1) {
        const failed = reader.result();
        const bytes = reader.copy();
        const result = failed ? errorFromWire(decodeTrusted<WireError>(bytes)) : bytes;
        call.results.push({ index, result });
      }
      if (call.results.length < call.entries) return;
      this.calls.delete(id);
      call.answered({ kind: "applied", results: call.results });
      return;
    }
    this.calls.delete(id);
    if (kind === answerKind.values) {
      const index = reader.double();
      reader.double();
      reader.word();
      const failed = reader.result();
      const bytes = reader.copy();
      if (failed) {
        call.answered({ kind: "failed", error: errorFromWire(decodeTrusted<WireError>(bytes)) });
      } else call.answered({ kind: "value", index, bytes });
      return;
    }
    reader.block();
    call.answered({ kind: "control", value: decodeTrusted<unknown>(reader.view()) });
  }

  private head(group: GroupId, call: number, { forward, timeoutMs }: CallOptions): void {
    this.writer.word(group);
    this.writer.word(call);
    this.writer.word(forward ? callFlag.forward : 0);
    this.writer.word(timeoutMs);
  }

  private open(what: string, entries: number, answered: Answered): number {
    const id = this.nextCall;
    this.nextCall += 1;
    this.calls.set(id, { what, entries, results: [], answered });
    this.wake();
    return id;
  }
}
