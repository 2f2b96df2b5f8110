/**
 * wire: bytes in, bytes out: frames, CBOR, and the messages of shards as both. May use base and
 * raft. It never does I/O. `PROTOCOL.md` says what every byte means.
 */
export { bodyKind } from "./body-kind.ts";
export { decodeCbor, decodeDocument, encodeCbor, encodeDocument } from "./cbor.ts";
export { crc32c, joinCrc32c } from "./crc32c.ts";
export type { Frame } from "./frame.ts";
export {
  bodyOfFrame,
  encodeFrame,
  encodeFrameParts,
  frameHeaderBytes,
  wholeFrame,
} from "./frame.ts";
export { FrameDecoder } from "./frame-decoder.ts";
export type { Greeting, GreetingLane, Hello, RefusalReason, Welcome } from "./greeting.ts";
export {
  clusterLengthMax,
  encodeHello,
  encodeProof,
  encodeRefusal,
  encodeWelcome,
  encodeWelcomeBytes,
  greetingBytesMax,
  greetingLane,
  nonceBytes,
  readGreeting,
  refusalReason,
} from "./greeting.ts";
export type { ProofSide, Transcript } from "./greeting-proof.ts";
export { greetingProof, proofBytes, proofsEqual } from "./greeting-proof.ts";
export { MessageBatch } from "./message-batch.ts";
export { messageType } from "./message-type.ts";
export type { MessageSink } from "./read-messages.ts";
export { readMessages } from "./read-messages.ts";
export type {
  Ending,
  GroupMessage,
  GroupUnknown,
  ShardAlive,
  ShardClosing,
  ShardMessage,
  ShardRequest,
  ShardResponse,
} from "./shard-message.ts";
export type { Signal } from "./signal.ts";
export { signalFrames, signalOf } from "./signal.ts";
export { commonVersion, protocolMagic, protocolVersion } from "./version.ts";
