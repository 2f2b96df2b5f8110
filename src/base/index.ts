/**
 * base: the words and small tools every layer shares: ids, assertions, the error table, the option
 * table, seeded randomness. May use nothing, not even `node:`. It never does I/O, never reads a
 * clock.
 */
export { assert, unreachable } from "./assert.ts";
export { describeValue } from "./describe-value.ts";
export { diskFailure } from "./disk-failure.ts";
export type { ErrorCode, ErrorDetails, ErrorSpec, Outcome, WireError } from "./errors.ts";
export {
  CommandRejected,
  RaftError,
  asError,
  errorFromWire,
  errorTable,
  errorToWire,
  isErrorCode,
  isRejection,
  messageOf,
} from "./errors.ts";
export type { GroupId, Incarnation, Index, NodeId, NodeKey, ShardId, Term } from "./ids.ts";
export { describeNodeIdFault, groupIdMax, isGroupId, isNodeId, nobody } from "./ids.ts";
export { isRecord } from "./is-record.ts";
export { limits } from "./limits.ts";
export { none } from "./none.ts";
export type { OptionFault, OptionSpec, OptionTable, OptionValues } from "./option-table.ts";
export { optionError, optionTableMarkdown, resolveOptions } from "./option-table.ts";
export { shardOfGroup } from "./placement.ts";
export { Prng } from "./prng.ts";
export { SmallMap } from "./small-map.ts";
