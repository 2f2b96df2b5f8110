/**
 * Gathers the messages of many groups for one lane of one link and encodes them as one frame: a
 * single flat CBOR array, so that a message costs a few numbers in it and no object, no nested
 * array, no key.
 *
 *      [1,  type, fieldCount, group, incarnation, term, field …,  type, fieldCount, …]
 */
import { assert, limits, unreachable } from "../base/index.ts";
import type { GroupId, Incarnation } from "../base/index.ts";
import type { AppendRequest, Message } from "../raft/index.ts";
import { bodyKind } from "./body-kind.ts";
import { encodeFrameParts } from "./frame.ts";
import type { ApartBytes, Frame } from "./frame.ts";
import { messageType } from "./message-type.ts";
import type { ShardAlive, ShardMessage } from "./shard-message.ts";

/**
 * More than the CBOR of a message without its blocks or payload, and of a block or payload without
 * its bytes, can take.
 */
const messageOverheadBytes = 64;
const bytesOverheadBytes = 40;
/** Body kind and the array's head. */
const frameOverheadBytes = 8;
const blockFieldCount = 6;
const endingFieldCount = 2;
/** More than the CBOR of an ending can take: a u32 and a float64. */
const endingBytesMax = 16;
/** From this size on a block leaves from where it lies, since a part of its own costs 1 us. */
const apartBytesMin = 4_096;

export class MessageBatch {
  private values: (number | Uint8Array)[] = [bodyKind.messages];
  /** Those of `values` that are large blocks. */
  private apart: ApartBytes[] = [];
  private messageCount = 0;
  private bytesTotal = frameOverheadBytes;

  /** Messages added since the last `take`. */
  get count(): number {
    return this.messageCount;
  }

  /**
   * An upper bound of the body's size: the bytes of blocks and payloads, and about 64 a message.
   */
  get bytes(): number {
    return this.bytesTotal;
  }

  /**
   * Whether the frame would still keep the limits with this message in it. Where not, `take` first;
   * an empty batch takes any message that can be sent at all.
   */
  fits(message: Message | ShardMessage): boolean {
    return (
      this.messageCount < limits.frameMessagesMax &&
      this.bytesTotal + messageBytes(message) <= limits.frameBytesMax
    );
  }

  /** Adds a message of a group; `incarnation` is that of the sending replica. */
  addMessage(group: GroupId, incarnation: Incarnation, message: Message): void {
    this.admit(message);
    const { values } = this;
    const { term } = message;
    switch (message.kind) {
      case "preVoteRequest": {
        const { lastIndex, lastTerm } = message;
        values.push(messageType.preVoteRequest, 5, group, incarnation, term, lastIndex, lastTerm);
        return;
      }
      case "preVoteResponse":
        values.push(messageType.preVoteResponse, 4, group, incarnation, term, +message.granted);
        return;
      case "voteRequest": {
        const { lastIndex, lastTerm, force } = message;
        values.push(messageType.voteRequest, 6, group, incarnation, term);
        values.push(lastIndex, lastTerm, +force);
        return;
      }
      case "voteResponse":
        values.push(messageType.voteResponse, 4, group, incarnation, term, +message.granted);
        return;
      case "appendRequest":
        values.push(messageType.appendRequest, 7 + message.blocks.length * blockFieldCount);
        values.push(group, incarnation, term);
        this.pushAppend(message);
        return;
      case "appendResponse": {
        const { index, rejected, hintIndex, hintTerm } = message;
        values.push(messageType.appendResponse, 7, group, incarnation, term);
        values.push(index, +rejected, hintIndex, hintTerm);
        return;
      }
      case "heartbeatRequest":
        values.push(messageType.heartbeatRequest, 6, group, incarnation, term);
        values.push(message.commit, message.commitTerm, message.readRound);
        return;
      case "heartbeatResponse":
        values.push(messageType.heartbeatResponse, 4, group, incarnation, term, message.readRound);
        return;
      case "commitNotice":
        values.push(messageType.commitNotice, 5, group, incarnation, term);
        values.push(message.commit, message.commitTerm);
        return;
      case "parkRequest":
        values.push(messageType.parkRequest, 5, group, incarnation, term);
        values.push(message.index, message.indexTerm);
        return;
      case "timeoutNow":
        values.push(messageType.timeoutNow, 4, group, incarnation, term, message.index);
        return;
      case "parkResponse": {
        const { index, parked } = message;
        values.push(messageType.parkResponse, 5, group, incarnation, term, index, +parked);
        return;
      }
      default:
        unreachable(message);
    }
  }

  addShardMessage(message: ShardMessage): void {
    this.admit(message);
    const { values } = this;
    switch (message.kind) {
      case "shardRequest":
        values.push(messageType.shardRequest, 5, message.id, message.group);
        values.push(message.op, message.timeoutMs, message.payload);
        return;
      case "shardResponse":
        values.push(messageType.shardResponse, 5, message.id, message.group);
        values.push(+message.failed, message.index, message.payload);
        return;
      case "groupUnknown":
        values.push(messageType.groupUnknown, 3, message.group, message.incarnation);
        values.push(+message.present);
        return;
      case "shardAlive":
        this.pushAlive(message);
        return;
      case "shardClosing":
        values.push(messageType.shardClosing, 0);
        return;
      default:
        unreachable(message);
    }
  }

  private pushAlive({ life, hears, ended, endings }: ShardAlive): void {
    const { values } = this;
    assert(endings.length <= limits.endingsMax, `a sign of life has ${endings.length} endings`);
    values.push(messageType.shardAlive, 4 + endings.length * endingFieldCount);
    values.push(life, +hears, ended, endings.length);
    for (const { group, term } of endings) values.push(group, term);
  }

  /** The frame of everything added. The batch is empty afterwards. */
  take(): Frame {
    assert(this.messageCount > 0, "a batch is taken when it holds messages");
    const frame = encodeFrameParts(this.values, this.apart);
    this.values = [bodyKind.messages];
    this.apart = [];
    this.messageCount = 0;
    this.bytesTotal = frameOverheadBytes;
    return frame;
  }

  private admit(message: Message | ShardMessage): void {
    const bytes = this.bytesTotal + messageBytes(message);
    assert(
      this.messageCount < limits.frameMessagesMax && bytes <= limits.frameBytesMax,
      "a frame has room for the message",
    );
    this.messageCount += 1;
    this.bytesTotal = bytes;
  }

  private pushAppend(message: AppendRequest): void {
    const { values } = this;
    const { prevIndex, prevTerm, commit, blocks } = message;
    assert(blocks.length <= limits.messageBlocksMax, `an append has ${blocks.length} blocks`);
    values.push(prevIndex, prevTerm, commit, blocks.length);
    for (const { kind, term, count, timeMs, checksum, bytes } of blocks) {
      values.push(kind, term, count, timeMs, checksum, bytes);
      if (bytes.length < apartBytesMin) continue;
      this.apart.push({ at: values.length - 1, bytes, checksum });
    }
  }
}

function messageBytes(message: Message | ShardMessage): number {
  let bytes = messageOverheadBytes;
  if (message.kind === "appendRequest") {
    for (const block of message.blocks) bytes += bytesOverheadBytes + block.bytes.length;
  } else if (message.kind === "shardRequest" || message.kind === "shardResponse") {
    bytes += bytesOverheadBytes + message.payload.length;
  } else if (message.kind === "shardAlive") {
    bytes += message.endings.length * endingBytesMax;
  }
  return bytes;
}
