/**
 * Reads from the trace of a node's process what it promised to others, and what of it rests on its
 * own disk:
 *
 *      AppendResponse, accepted, up to index i      the record that holds entry i
 *      any response of term t, VoteRequest of t     the record with a ballot of term t or later
 *      vote for a candidate in term t               the record with that ballot
 *      acknowledgement to the caller                the record that holds the entry
 *
 * The last one only in groups of two members: of three, two others may make the majority.
 */
import { RaftError } from "../../src/base/index.ts";
import type { Message } from "../../src/raft/index.ts";
import {
  FrameDecoder,
  decodeCbor,
  bodyKind,
  readGreeting,
  readMessages,
} from "../../src/wire/index.ts";
import { decodeRecord } from "../../src/log/record.ts";
import { recordFormat } from "../../src/log/record-format.ts";
import type { RecordedChange } from "../../src/log/record-directory.ts";
import type { NodeMessage } from "../integration/fixtures/node-protocol.ts";
import type { TracedCall, WriteCall } from "./syscall-trace.ts";

export type PromiseKind = "entries" | "response" | "vote request" | "vote" | "acknowledgement";

export interface DiskPromise {
  readonly kind: PromiseKind;
  readonly name: string;
  /** When it began to leave the process. */
  readonly startedAt: number;
  /** Begins the record that it rests on; undefined where no such record was ever written. */
  readonly record: Buffer | undefined;
}

interface StoredRecord {
  /** The header, which holds checksum and sequence: no other record begins like it. */
  readonly header: Buffer;
  readonly changes: readonly RecordedChange[];
}

interface Requirement {
  readonly kind: PromiseKind;
  readonly group: number;
  readonly holds: (change: RecordedChange) => boolean;
  readonly what: string;
}

export interface PromiseOptions {
  readonly node: string;
  readonly dataFile: string;
  /** Whether the node's acknowledgements in this group need its own disk. */
  readonly restsOnOwnDisk: (group: number) => boolean;
}

export function findPromises(calls: readonly TracedCall[], options: PromiseOptions): DiskPromise[] {
  return new PromiseReader(options).read(calls);
}

class PromiseReader {
  private readonly options: PromiseOptions;
  private readonly records = new Map<number, StoredRecord>();
  private readonly streams = new Map<string, (call: WriteCall) => void>();
  /** The first promise of each kind on each record; later ones follow from it. */
  private readonly promises = new Map<string, DiskPromise>();
  private readonly required: (Requirement & { readonly startedAt: number })[] = [];

  constructor(options: PromiseOptions) {
    this.options = options;
  }

  read(calls: readonly TracedCall[]): DiskPromise[] {
    for (const call of calls) {
      if (call.kind !== "write" || !call.ok) continue;
      if (call.file === this.options.dataFile) this.takeRecords(call.bytes);
      else if (call.file.startsWith("socket:")) this.streamOf(call)(call);
    }
    for (const requirement of this.required) this.resolve(requirement);
    return [...this.promises.values()];
  }

  /** LMDB writes a page again with what it held before: the first time counts. */
  private takeRecords(bytes: Buffer): void {
    const magic = Buffer.alloc(4);
    magic.writeUInt32BE(recordFormat.magic);
    let at = bytes.indexOf(magic);
    for (; at >= 0; at = bytes.indexOf(magic, at + 1)) {
      if (at + recordFormat.headerBytes > bytes.length) return;
      const sequence = Number(bytes.readBigUInt64BE(at + recordFormat.sequenceAt));
      if (this.records.has(sequence)) continue;
      const end = at + bytes.readUInt32BE(at + recordFormat.recordBytesAt);
      const header = bytes.subarray(at, at + recordFormat.headerBytes);
      const changes = maybeDecode(bytes.subarray(at, end), sequence);
      if (changes !== undefined) this.records.set(sequence, { header, changes });
    }
  }

  /** Each socket is known by its first bytes: the parent's channel carries JSON, the others frames. */
  private streamOf(call: WriteCall): (call: WriteCall) => void {
    const known = this.streams.get(call.file);
    if (known !== undefined) return known;
    const stream = call.bytes.toString("latin1", 0, 1) === "{" ? this.channel() : this.frames();
    this.streams.set(call.file, stream);
    return stream;
  }

  private channel(): (call: WriteCall) => void {
    let text = "";
    return ({ bytes, startedAt }) => {
      const lines = (text + bytes.toString()).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const message: NodeMessage = JSON.parse(line);
        if (message.kind !== "acks") continue;
        for (const { group, revision } of message.acks) {
          if (!this.options.restsOnOwnDisk(group)) continue;
          this.require(startedAt, {
            kind: "acknowledgement",
            group,
            what: `entry ${revision}`,
            holds: (change) => holdsEntry(change, revision),
          });
        }
      }
    };
  }

  private frames(): (call: WriteCall) => void {
    const decoder = new FrameDecoder();
    let target = "";
    return ({ bytes, startedAt }) => {
      decoder.push(bytes, (body) => {
        const values = decodeCbor(body);
        const kind: unknown = Array.isArray(values) ? values[0] : undefined;
        if (kind === bodyKind.hello) {
          const greeting = readGreeting(body);
          if (greeting.kind === "hello") target = greeting.hello.targetNode;
        }
        if (kind !== bodyKind.messages) return;
        readMessages(body, 1, 2, {
          onMessage: (group, _, message) => this.takeMessage(startedAt, target, group, message),
          onShardMessage: () => {},
        });
      });
    };
  }

  private takeMessage(startedAt: number, target: string, group: number, message: Message): void {
    const { kind, term } = message;
    const { node } = this.options;
    if (kind === "voteRequest") {
      const holds = (change: RecordedChange): boolean => holdsVote(change, term, node);
      this.require(startedAt, { kind: "vote request", group, holds, what: `term ${term}` });
    }
    if (kind === "voteResponse" && message.granted) {
      const holds = (change: RecordedChange): boolean => holdsVote(change, term, target);
      this.require(startedAt, { kind: "vote", group, holds, what: `${target} in term ${term}` });
    }
    if (kind !== "voteResponse" && kind !== "appendResponse") return;
    const holds = ({ ballot }: RecordedChange): boolean => (ballot?.term ?? 0) >= term;
    this.require(startedAt, { kind: "response", group, holds, what: `term ${term}` });
    if (kind !== "appendResponse" || message.rejected || message.index === 0) return;
    const { index } = message;
    this.require(startedAt, {
      kind: "entries",
      group,
      what: `entry ${index}`,
      holds: (change) => holdsEntry(change, index),
    });
  }

  private require(startedAt: number, requirement: Requirement): void {
    this.required.push({ ...requirement, startedAt });
  }

  private resolve({
    kind,
    group,
    what,
    holds,
    startedAt,
  }: Requirement & { startedAt: number }): void {
    const name = `${kind} of group ${group}: ${what}`;
    for (const [sequence, { header, changes }] of this.records) {
      if (!changes.some((change) => change.group === group && holds(change))) continue;
      const found = this.promises.get(`${kind} ${sequence}`);
      if (found !== undefined && found.startedAt <= startedAt) return;
      this.promises.set(`${kind} ${sequence}`, { kind, name, startedAt, record: header });
      return;
    }
    this.promises.set(name, { kind, name, startedAt, record: undefined });
  }
}

/** Undefined where the magic stands in what a page held before: LMDB does not wipe its pages. */
function maybeDecode(bytes: Uint8Array, sequence: number): RecordedChange[] | undefined {
  try {
    return decodeRecord(bytes, sequence);
  } catch (error) {
    if (error instanceof RaftError && error.code === "ERR_STORE_CORRUPT") return undefined;
    throw error;
  }
}

function holdsEntry({ blocks }: RecordedChange, index: number): boolean {
  return blocks.some(({ first, count }) => index >= first && index < first + count);
}

function holdsVote({ ballot }: RecordedChange, term: number, node: string): boolean {
  return ballot?.term === term && ballot.vote === node;
}
