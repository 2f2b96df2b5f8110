/**
 * testing: what proves an engine and its parts: conformance suites for the parts a user may
 * replace, a simulator of whole clusters for their state machines, checkers of clients' histories.
 * May use everything below engine. No layer imports it but cli, whose `check-history` and `demo
 * --history` judge histories with it.
 */
/** In CBOR are commands, queries and results of machines made with `defineStateMachine`. */
export { decodeDocument as decodeCbor, encodeDocument as encodeCbor } from "../wire/index.ts";
export { makeBlock } from "./make-block.ts";
export type { CreatePlace, SuiteCase } from "./suites/log-store-suite.ts";
export { logStoreSuite } from "./suites/log-store-suite.ts";
export type { StorePlace } from "./suites/store-trial.ts";
export * from "./history/index.ts";
export { operationsOf } from "./sim/history-check.ts";
export type { Recorded } from "./sim/history.ts";
export type { Broken } from "./sim/outcome.ts";
export { planOf } from "./sim/plan.ts";
export type { RunOptions, RunResult } from "./sim/run.ts";
export { runScript } from "./sim/run.ts";
export type { Script } from "./sim/script.ts";
export { formatScript, parseScript } from "./sim/script.ts";
export type { SimulatedOperation } from "./sim/seen-by-clients.ts";
export type {
  SimulateOptions,
  SimulatedRun,
  SimulationFailure,
  SimulationSettings,
} from "./sim/simulate-options.ts";
export type { SimulationResult } from "./sim/simulate.ts";
export { simulate } from "./sim/simulate.ts";
export type { Random, Workload, WorkloadOperation } from "./sim/workload.ts";
