/**
 * testing: what proves an engine and its parts: conformance suites for the parts a user may
 * replace. May use everything below engine. Product code never imports it.
 */
export { makeBlock } from "./make-block.ts";
export type { CreatePlace, SuiteCase } from "./suites/log-store-suite.ts";
export { logStoreSuite } from "./suites/log-store-suite.ts";
export type { StorePlace } from "./suites/store-trial.ts";
