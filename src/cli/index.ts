/**
 * cli: processes, arguments and signals: `flotilla demo` and `flotilla check-history`. May use
 * service, engine, base and the histories of testing. It knows nothing that an embedder could not
 * do with the public API.
 */
export { checkHistoryProgram } from "./check-history.ts";
export { demoProgram } from "./demo/program.ts";
export { Progress } from "./demo/progress.ts";
