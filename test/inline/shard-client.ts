/**
 * The engine's side of one shard's mail, for shards that run inline. It keeps the account that the
 * engine relies on: every call is answered exactly once.
 */
import assert from "node:assert/strict";
import { RaftError, errorFromWire } from "../../src/base/index.ts";
import type { GroupId, Index, WireError } from "../../src/base/index.ts";
import {
  MailReader,
  MailReceipts,
  MailWriter,
  answerKind,
  callFlag,
  callKind,
  decodeTrusted,
  encodeTrusted,
} from "../../src/shard/index.ts";
import type { ControlCall, ShardEvent } from "../../src/shard/index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Applied {
  readonly index: Index;
  /** What the state machine returned, or what it threw. */
  readonly result: string | RaftError;
}

/** A call and what was answered to it. */
export class Call {
  readonly what: string;
  readonly applied: Applied[] = [];
  error: RaftError | undefined;
  value: { index: Index; ageMs: number; texts: (string | RaftError)[] } | undefined;
  control: Uint8Array | undefined;
  private readonly entries: number;

  constructor(what: string, entries: number) {
    this.what = what;
    this.entries = entries;
  }

  get settled(): boolean {
    if (this.error !== undefined || this.value !== undefined || this.control !== undefined) {
      return true;
    }
    return this.entries > 0 && this.applied.length === this.entries;
  }

  /** Results of a proposal that succeeded. */
  results(): (string | RaftError)[] {
    assert.equal(this.error, undefined, `${this.what} failed: ${this.error?.message}`);
    assert.ok(this.settled, `${this.what} is answered`);
    return this.applied.map(({ result }) => result);
  }

  /** The answer to a read that succeeded. */
  text(): string {
    assert.ok(this.value !== undefined, `${this.what}: ${this.error?.message ?? "no answer"}`);
    const [text] = this.value.texts;
    assert.ok(typeof text === "string", `${this.what}: ${String(text)}`);
    return text;
  }

  /** Why it failed: as a whole, or its one query. */
  failure(): RaftError {
    const error = this.error ?? this.value?.texts[0];
    assert.ok(error instanceof RaftError, `${this.what} failed`);
    return error;
  }

  answer<T>(): T {
    assert.ok(this.control !== undefined, `${this.what}: ${this.error?.message ?? "no answer"}`);
    return decodeTrusted<T>(this.control);
  }
}

export interface CallSettings {
  readonly forward?: boolean;
  readonly timeoutMs?: number;
}

export class ShardClient {
  readonly events: ShardEvent[] = [];
  /** Calls in the order in which their answers were complete. */
  readonly answered: Call[] = [];
  /** Records of failed calls. */
  failures = 0;
  private readonly writer = new MailWriter();
  private readonly calls: Call[] = [];
  private readonly receipts: MailReceipts;
  /** Asks for a turn in which the mail is handed over. */
  private readonly wake: () => void;
  /** Mail that was not read yet, while the engine's thread is held up. */
  private unread: ArrayBuffer[] | undefined;

  constructor(shardBytesMax: number, wake: () => void) {
    this.receipts = new MailReceipts(shardBytesMax);
    this.wake = wake;
  }

  /** The engine's thread reads no mail until `goOn`. */
  holdUp(): void {
    this.unread ??= [];
  }

  goOn(): void {
    const mails = this.unread ?? [];
    this.unread = undefined;
    for (const mail of mails) this.receive(mail);
  }

  takeMail(): ArrayBuffer | undefined {
    return this.writer.count > 0 ? this.writer.take() : undefined;
  }

  /** What the shard has told of its end, where its store failed. */
  get failure(): WireError | undefined {
    return this.events.find((event) => event.kind === "failed")?.error;
  }

  get unanswered(): Call[] {
    return this.calls.filter((call) => !call.settled);
  }

  propose(group: GroupId, command: string, settings?: CallSettings): Call {
    return this.proposeBatch(group, [command], settings);
  }

  proposeBatch(group: GroupId, commands: readonly string[], settings: CallSettings = {}): Call {
    const entries = commands.map((command) => encoder.encode(command));
    const bytes = entries.reduce((sum, entry) => sum + entry.length + 5, 0);
    const { call, slot } = this.open(`propose(${group}, ${commands.join(", ")})`, entries.length);
    const { writer } = this;
    writer.begin(callKind.propose, bytes);
    this.head(group, slot, settings);
    writer.word(entries.length);
    writer.entries(entries);
    return call;
  }

  /** Takes a call back, as the engine does if it is aborted. */
  cancel(call: Call): void {
    this.writer.begin(callKind.cancel, 0);
    this.writer.word(this.calls.indexOf(call) + 1);
    this.wake();
  }

  read(group: GroupId, query: string, settings: CallSettings = {}): Call {
    return this.readBatch(group, [query], settings);
  }

  readBatch(group: GroupId, queries: readonly string[], settings: CallSettings = {}): Call {
    const { call, slot } = this.open(`read(${group}, ${queries.join(", ")})`, 0);
    const entries = queries.map((query) => encoder.encode(query));
    this.writer.begin(
      callKind.read,
      entries.reduce((sum, entry) => sum + entry.length + 5, 0),
    );
    this.head(group, slot, settings);
    this.writer.word(entries.length);
    this.writer.entries(entries);
    return call;
  }

  readLocal(group: GroupId, query: string): Call {
    const { call, slot } = this.open(`readLocal(${group}, ${query})`, 0);
    const bytes = encoder.encode(query);
    this.writer.begin(callKind.readLocal, bytes.length + 5);
    this.writer.word(group);
    this.writer.word(slot);
    this.writer.entries([bytes]);
    return call;
  }

  control(request: ControlCall): Call {
    const { call, slot } = this.open(request.kind, 0);
    const bytes = encodeTrusted(request);
    this.writer.begin(callKind.control, bytes.length);
    this.writer.word(slot);
    this.writer.block(bytes);
    return call;
  }

  /** Mail of the shard. */
  receive(mail: ArrayBuffer): void {
    if (this.unread !== undefined) {
      this.unread.push(mail);
      return;
    }
    const reader = new MailReader(mail);
    while (!reader.done) {
      const kind = reader.word();
      if (kind === answerKind.event) {
        reader.block();
        this.events.push(decodeTrusted<ShardEvent>(reader.view()));
      } else this.takeAnswer(kind, reader);
    }
    if (this.receipts.note(reader, this.writer)) this.wake();
  }

  private waitingCall(slot: number): Call {
    const call = this.calls[slot - 1];
    assert.ok(call !== undefined, `answer to ${slot}, which is no call`);
    assert.ok(!call.settled, `${call.what} is answered once`);
    return call;
  }

  private takeFailed(reader: MailReader): void {
    this.failures += 1;
    const count = reader.word();
    reader.block();
    const error = errorFromWire(decodeTrusted<WireError>(reader.view()));
    for (let left = count; left > 0; left -= 1) {
      const call = this.waitingCall(reader.word());
      call.error = error;
      this.answered.push(call);
    }
  }

  private takeAnswer(kind: number, reader: MailReader): void {
    if (kind === answerKind.failed) {
      this.takeFailed(reader);
      return;
    }
    const call = this.waitingCall(reader.word());
    if (kind === answerKind.applied) {
      const first = reader.double();
      const count = reader.word();
      for (let index = first; index < first + count; index += 1) {
        const failed = reader.result();
        const bytes = reader.view();
        const result = failed
          ? errorFromWire(decodeTrusted<WireError>(bytes))
          : decoder.decode(bytes);
        call.applied.push({ index, result });
      }
    } else if (kind === answerKind.values) {
      const index = reader.double();
      const ageMs = reader.double();
      const texts = Array.from({ length: reader.word() }, () =>
        reader.result()
          ? errorFromWire(decodeTrusted<WireError>(reader.view()))
          : decoder.decode(reader.view()),
      );
      call.value = { index, ageMs, texts };
    } else {
      reader.block();
      call.control = reader.copy();
    }
    if (call.settled) this.answered.push(call);
  }

  private head(group: GroupId, slot: number, { forward, timeoutMs }: CallSettings): void {
    this.writer.word(group);
    this.writer.word(slot);
    this.writer.word(forward === true ? callFlag.forward : 0);
    this.writer.word(timeoutMs ?? 10_000);
  }

  private open(what: string, entries: number): { call: Call; slot: number } {
    const call = new Call(what, entries);
    this.calls.push(call);
    this.wake();
    return { call, slot: this.calls.length };
  }
}
