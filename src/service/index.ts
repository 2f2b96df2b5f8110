/**
 * service: the reference key-value store on the engine: a state machine, its bytes, and one group
 * of it as methods. May use base and engine. It never reaches below the engine.
 */
export { KeyValueGroup } from "./kv-client.ts";
export type { KvLocalRecord } from "./kv-client.ts";
export {
  encodeCompareAndSet,
  encodeDelete,
  encodeGet,
  encodeIncrement,
  encodePut,
  encodeSize,
} from "./kv-command.ts";
export type { KvBytes } from "./kv-command.ts";
export { keyBytesMax, kvOperation, kvStatus } from "./kv-format.ts";
export type { KvStatus } from "./kv-format.ts";
export { createStateMachine as createKeyValueMachine } from "./kv-machine.ts";
export { kvMachineUrl } from "./kv-machine-url.ts";
export {
  decodeGetAnswer,
  decodeIncrementResult,
  decodeSizeAnswer,
  decodeWriteResult,
} from "./kv-result.ts";
export type {
  KvCounted,
  KvIncrementResult,
  KvRecord,
  KvRefusal,
  KvRefused,
  KvWriteResult,
  KvWritten,
} from "./kv-result.ts";
