/**
 * The way back from a frame's body to messages. A message reaches the sink only when every field of
 * it has been checked; those before a faulty one have then been handed over already, which is
 * harmless, since each stands for itself.
 *
 * Unknown types, and fields that follow the known ones of a type, are skipped: a newer version may
 * add them.
 */
import { limits, none } from "../base/index.ts";
import type { GroupId, Incarnation, Index, NodeKey, Term } from "../base/index.ts";
import { blockKind, countEntries, newBlock } from "../raft/index.ts";
import type { Block, BlockKind, Message } from "../raft/index.ts";
import { bodyKind } from "./body-kind.ts";
import { decodeCbor } from "./cbor.ts";
import { crc32c } from "./crc32c.ts";
import { FieldReader } from "./field-reader.ts";
import { frameInvalid } from "./frame-invalid.ts";
import { messageType } from "./message-type.ts";
import type { Ending, ShardMessage } from "./shard-message.ts";

export interface MessageSink {
  /** `incarnation` is that of the sending replica. */
  onMessage(group: GroupId, incarnation: Incarnation, message: Message): void;
  onShardMessage(message: ShardMessage): void;
}

/** From whom to whom the messages of a frame go, as the shard names nodes. */
interface Route {
  readonly from: NodeKey;
  readonly to: NodeKey;
}

/**
 * Reads a body of kind `messages`. Returns how many messages were handed over. Byte strings are
 * views on `body`.
 * @throws ERR_FRAME_INVALID
 */
export function readMessages(
  body: Uint8Array,
  from: NodeKey,
  to: NodeKey,
  sink: MessageSink,
): number {
  const values = decodeCbor(body);
  if (!Array.isArray(values)) throw frameInvalid("a frame's body is not a CBOR array");
  const fields = new FieldReader(values, "frame");
  const kind = fields.integer("kind");
  if (kind !== bodyKind.messages) throw frameInvalid(`a frame of kind ${kind} among messages`);
  const route = { from, to };
  let seen = 0;
  let handedOver = 0;
  while (fields.at < values.length) {
    seen += 1;
    if (seen > limits.frameMessagesMax) {
      throw frameInvalid(`a frame of more than ${limits.frameMessagesMax} messages`);
    }
    fields.owner = "message";
    fields.end = values.length;
    const type = fields.integer("type");
    const count = fields.integer("fieldCount");
    const end = fields.at + count;
    if (end > values.length) {
      throw frameInvalid(`message of type ${type} claims ${count} fields beyond its frame`);
    }
    fields.end = end;
    if (readMessage(type, fields, route, sink)) handedOver += 1;
    fields.at = end;
  }
  return handedOver;
}

/** False for a type that this version does not know. */
function readMessage(type: number, fields: FieldReader, route: Route, sink: MessageSink): boolean {
  if (type < messageType.shardRequest) {
    if (type === 0 || type > messageType.timeoutNow) return false;
    fields.owner = "group message";
    const group = fields.group();
    const incarnation = fields.integer("incarnation");
    const term = fields.integer("term");
    const message = readGroupMessage(type, fields, route, term);
    if (message === undefined) return false;
    sink.onMessage(group, incarnation, message);
    return true;
  }
  const message = readShardMessage(type, fields);
  if (message === undefined) return false;
  sink.onShardMessage(message);
  return true;
}

function readGroupMessage(
  type: number,
  fields: FieldReader,
  route: Route,
  term: Term,
): Message | undefined {
  const { from, to } = route;
  switch (type) {
    case messageType.preVoteRequest: {
      const lastIndex = fields.integer("lastIndex");
      const lastTerm = fields.integer("lastTerm");
      return { kind: "preVoteRequest", from, to, term, lastIndex, lastTerm };
    }
    case messageType.preVoteResponse:
      return { kind: "preVoteResponse", from, to, term, granted: fields.flag("granted") };
    case messageType.voteRequest: {
      const lastIndex = fields.integer("lastIndex");
      const lastTerm = fields.integer("lastTerm");
      const force = fields.flag("force");
      return { kind: "voteRequest", from, to, term, lastIndex, lastTerm, force };
    }
    case messageType.voteResponse:
      return { kind: "voteResponse", from, to, term, granted: fields.flag("granted") };
    case messageType.appendRequest: {
      const prevIndex = fields.integer("prevIndex");
      const prevTerm = fields.integerIn("prevTerm", 0, term);
      const commit = fields.integer("commit");
      const blocks = readBlocks(fields, prevIndex, prevTerm, term);
      return { kind: "appendRequest", from, to, term, prevIndex, prevTerm, commit, blocks };
    }
    case messageType.appendResponse: {
      const index = fields.integer("index");
      const rejected = fields.flag("rejected");
      const hintIndex = fields.integer("hintIndex");
      const hintTerm = fields.integer("hintTerm");
      return { kind: "appendResponse", from, to, term, index, rejected, hintIndex, hintTerm };
    }
    case messageType.heartbeatRequest: {
      const commit = fields.integer("commit");
      const commitTerm = fields.integerIn("commitTerm", 0, term);
      const readRound = fields.integer("readRound");
      return { kind: "heartbeatRequest", from, to, term, commit, commitTerm, readRound };
    }
    case messageType.heartbeatResponse:
      return { kind: "heartbeatResponse", from, to, term, readRound: fields.integer("readRound") };
    case messageType.commitNotice: {
      const commit = fields.integer("commit");
      const commitTerm = fields.integerIn("commitTerm", 0, term);
      return { kind: "commitNotice", from, to, term, commit, commitTerm };
    }
    case messageType.parkRequest: {
      const index = fields.integer("index");
      const indexTerm = fields.integerIn("indexTerm", 0, term);
      return { kind: "parkRequest", from, to, term, index, indexTerm };
    }
    case messageType.parkResponse: {
      const index = fields.integer("index");
      return { kind: "parkResponse", from, to, term, index, parked: fields.flag("parked") };
    }
    case messageType.timeoutNow:
      return { kind: "timeoutNow", from, to, term, index: fields.integer("index") };
    default:
      return undefined;
  }
}

/**
 * Reads the blocks of an append. Their terms rise from that of the entry before them to at most
 * that of the sender; anything else would be a log that no leader can have.
 */
function readBlocks(fields: FieldReader, prevIndex: Index, prevTerm: Term, termMax: Term): Block[] {
  const blockCount = fields.integerIn("blockCount", 0, limits.messageBlocksMax);
  const blocks: Block[] = [];
  let first = prevIndex + 1;
  let termMin = prevTerm;
  for (let read = 0; read < blockCount; read += 1) {
    const kind = readBlockKind(fields);
    const term = fields.integerIn("block term", termMin, termMax);
    const count = fields.uint32("block count");
    const timeMs = fields.integer("block timeMs");
    const checksum = fields.uint32("block checksum");
    const bytes = fields.bytes("block bytes");
    if (count === 0 || countEntries(bytes) !== count) {
      throw frameInvalid(`a block's ${bytes.length} bytes are not the ${count} entries it claims`);
    }
    if (crc32c(bytes) !== checksum) {
      throw frameInvalid(`a block at index ${first} does not match its checksum ${checksum}`);
    }
    if (!Number.isSafeInteger(first + count)) throw frameInvalid("a block ends beyond 2^53-1");
    blocks.push(newBlock({ first, term, kind, count, timeMs, checksum, bytes }));
    first += count;
    termMin = term;
  }
  return blocks;
}

function readBlockKind(fields: FieldReader): BlockKind {
  const kind = fields.integer("block kind");
  switch (kind) {
    case blockKind.command:
    case blockKind.noop:
    case blockKind.config:
      return kind;
    default:
      // Not skipped as an unknown field is: an entry that is not stored would be a hole in the log.
      throw frameInvalid(`a block of kind ${kind}`);
  }
}

function readEndings(fields: FieldReader): readonly Ending[] {
  const count = fields.integerIn("endingCount", 0, limits.endingsMax);
  if (count === 0) return none;
  const endings: Ending[] = [];
  for (let read = 0; read < count; read += 1) {
    const group = fields.group();
    endings.push({ group, term: fields.integer("ending term") });
  }
  return endings;
}

function readShardMessage(type: number, fields: FieldReader): ShardMessage | undefined {
  fields.owner = "shard message";
  switch (type) {
    case messageType.shardRequest: {
      const id = fields.integer("id");
      const group = fields.group();
      const op = fields.uint32("op");
      const timeoutMs = fields.uint32("timeoutMs");
      return { kind: "shardRequest", id, group, op, timeoutMs, payload: fields.bytes("payload") };
    }
    case messageType.shardResponse: {
      const id = fields.integer("id");
      const group = fields.group();
      const failed = fields.flag("failed");
      const index = fields.integer("index");
      return { kind: "shardResponse", id, group, failed, index, payload: fields.bytes("payload") };
    }
    case messageType.groupUnknown: {
      const group = fields.group();
      const incarnation = fields.integer("incarnation");
      return { kind: "groupUnknown", group, incarnation, present: fields.flag("present") };
    }
    case messageType.shardAlive: {
      const life = fields.integer("life");
      const hears = fields.flag("hears");
      const ended = fields.integer("ended");
      return { kind: "shardAlive", life, hears, ended, endings: readEndings(fields) };
    }
    case messageType.shardClosing:
      return { kind: "shardClosing" };
    default:
      return undefined;
  }
}
