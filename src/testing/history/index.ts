/** Histories of clients: their text, and what judges them. */
export type { Finding, FindingRule } from "./finding.ts";
export { describeFinding } from "./finding.ts";
export { HistoryInvalid, formatOperation, parseHistory, parseOperation } from "./history-format.ts";
export { checkIndexes } from "./index-oracle.ts";
export type { Interval } from "./event-list.ts";
export type { Linearizability, Model, NotLinearizable, Step } from "./linearizability.ts";
export { checkLinearizable, stepsMaxDefault } from "./linearizability.ts";
export type {
  CasOperation,
  GetOperation,
  LocalGetOperation,
  Operation,
  PutOperation,
  ReadValue,
  Swapped,
  Unanswered,
  Value,
} from "./operation.ts";
export { describeOperation, isAnswered } from "./operation.ts";
export { checkLocalReads } from "./reads.ts";
export type { KeyViolation, RegisterOperation, RegisterVerdict } from "./register.ts";
export { checkRegisters, describeViolation, registerModel } from "./register.ts";
