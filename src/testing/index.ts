/**
 * testing: what proves an engine and its parts: conformance suites for the parts a user may
 * replace. May use everything below engine. Product code never imports it.
 */
export { makeBlock } from "./make-block.ts";
export type { CreatePlace, SuiteCase } from "./suites/log-store-suite.ts";
export { logStoreSuite } from "./suites/log-store-suite.ts";
export type { StorePlace } from "./suites/store-trial.ts";
export * from "./history/index.ts";
export { planOf } from "./sim/plan.ts";
export { operationsOf } from "./sim/history-check.ts";
export type { Recorded } from "./sim/history.ts";
export type { Broken, RunOptions, RunResult } from "./sim/run.ts";
export { runScript } from "./sim/run.ts";
export type { Script } from "./sim/script.ts";
export { formatScript, parseScript } from "./sim/script.ts";
export { shrink } from "./sim/shrink.ts";
export { Tally } from "./sim/tally.ts";
