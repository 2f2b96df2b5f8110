/** Messages of every kind, made at random and with plain values, for the tests of this layer. */
import fc from "fast-check";
import type { Block, Message } from "../../../src/raft/index.ts";
import { encodeEntries } from "../../../src/raft/index.ts";
import { crc32c } from "../../../src/wire/index.ts";
import type { MessageSink, ShardMessage } from "../../../src/wire/index.ts";

export const from = 3;
export const to = 7;

export interface GroupMessage {
  readonly group: number;
  readonly incarnation: number;
  readonly message: Message;
}

export type Sent = GroupMessage | ShardMessage;

export function isGroupMessage(sent: Sent): sent is GroupMessage {
  return "message" in sent;
}

/** Collects what a sink is given, byte strings as plain Uint8Arrays, so that deep equality compares bytes. */
export function collect(): { readonly sent: Sent[]; readonly sink: MessageSink } {
  const sent: Sent[] = [];
  const sink: MessageSink = {
    onMessage(group, incarnation, message) {
      sent.push({ group, incarnation, message: plainMessage(message) });
    },
    onShardMessage(message) {
      sent.push("payload" in message ? { ...message, payload: plain(message.payload) } : message);
    },
  };
  return { sent, sink };
}

function plainMessage(message: Message): Message {
  if (message.kind !== "appendRequest") return message;
  const blocks = message.blocks.map((block) => ({ ...block, bytes: plain(block.bytes) }));
  return { ...message, blocks };
}

export function plain(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

export function blockOf(first: number, term: number, ...entries: readonly Uint8Array[]): Block {
  const bytes = encodeEntries(entries);
  const checksum = crc32c(bytes);
  return {
    first,
    term,
    kind: 0,
    count: entries.length,
    timeMs: 1_760_000_000_000,
    checksum,
    bytes,
  };
}

const index = fc.oneof(fc.nat(300), fc.nat({ max: 2 ** 53 - 1e6 }));
const group = fc.oneof(fc.nat(300), fc.nat({ max: 0xffff_ffff }));
const incarnation = fc.nat({ max: 2 ** 48 - 1 });
const payload = fc.uint8Array({ maxLength: 400 });
const flag = fc.boolean();

const blockSeeds = fc.array(
  fc.record({
    entries: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }),
    termStep: fc.nat(3),
    kind: fc.constantFrom(0 as const, 1 as const, 2 as const),
    timeMs: fc.nat({ max: 2 ** 53 - 1 }),
  }),
  { maxLength: 4 },
);

const appendRequest = fc
  .record({ prevIndex: index, prevTerm: index, commit: index, seeds: blockSeeds, slack: fc.nat(5) })
  .map(({ prevIndex, prevTerm, commit, seeds, slack }): Message => {
    const blocks: Block[] = [];
    let first = prevIndex + 1;
    let term = prevTerm;
    for (const { entries, termStep, kind, timeMs } of seeds) {
      term += termStep;
      blocks.push({ ...blockOf(first, term, ...entries), kind, timeMs });
      first += entries.length;
    }
    return {
      kind: "appendRequest",
      from,
      to,
      term: term + slack,
      prevIndex,
      prevTerm,
      commit,
      blocks,
    };
  });

const ends = { from: fc.constant(from), to: fc.constant(to), term: index };
const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);

const commit = { commit: index, commitTerm: index };

/** No leader has committed an entry of a later term than its own. */
function inTerm<M extends { term: number; commitTerm: number }>(
  made: fc.Arbitrary<M>,
): fc.Arbitrary<M> {
  return made.map((message) => ({
    ...message,
    commitTerm: Math.min(message.commitTerm, message.term),
  }));
}

const messages: fc.Arbitrary<Message> = fc.oneof(
  { weight: 3, arbitrary: appendRequest },
  fc.record({ kind: kind("preVoteRequest"), ...ends, lastIndex: index, lastTerm: index }),
  fc.record({ kind: kind("preVoteResponse"), ...ends, granted: flag }),
  fc.record({ kind: kind("voteRequest"), ...ends, lastIndex: index, lastTerm: index, force: flag }),
  fc.record({ kind: kind("voteResponse"), ...ends, granted: flag }),
  fc.record({
    kind: kind("appendResponse"),
    ...ends,
    index,
    rejected: flag,
    hintIndex: index,
    hintTerm: index,
  }),
  inTerm(fc.record({ kind: kind("heartbeatRequest"), ...ends, ...commit, readRound: index })),
  fc.record({ kind: kind("heartbeatResponse"), ...ends, readRound: index }),
  inTerm(fc.record({ kind: kind("commitNotice"), ...ends, ...commit })),
  fc
    .record({ kind: kind("parkRequest"), ...ends, index, slack: index })
    .map(({ slack, ...message }) => ({ ...message, indexTerm: Math.min(slack, message.term) })),
  fc.record({ kind: kind("parkResponse"), ...ends, index, parked: flag }),
  fc.record({ kind: kind("timeoutNow"), ...ends, index }),
);

/** Plain objects, since deep equality tells them from the prototype-less ones that fast-check mixes in. */
const arbitraryMessage = messages.map((message): Message => ({ ...message }));

const ending = fc.record({ group, term: index }).map((one) => ({ ...one }));

const shardMessages: fc.Arbitrary<ShardMessage> = fc.oneof(
  fc.record({
    kind: kind("shardRequest"),
    id: index,
    group,
    op: fc.nat(0xffff_ffff),
    timeoutMs: fc.nat(0xffff_ffff),
    payload,
  }),
  fc.record({ kind: kind("shardResponse"), id: index, group, failed: flag, index, payload }),
  fc.record({ kind: kind("groupUnknown"), group, incarnation, present: fc.boolean() }),
  fc.record({
    kind: kind("shardAlive"),
    life: incarnation,
    hears: fc.boolean(),
    ended: fc.nat(),
    endings: fc.array(ending, { maxLength: 5 }),
  }),
  fc.record({ kind: kind("shardClosing") }),
);

const groupMessages = fc.record({ group, incarnation, message: arbitraryMessage });

export const arbitrarySent: fc.Arbitrary<Sent> = fc.oneof(
  { weight: 3, arbitrary: groupMessages.map((sent): Sent => ({ ...sent })) },
  { weight: 1, arbitrary: shardMessages.map((sent): Sent => ({ ...sent })) },
);
