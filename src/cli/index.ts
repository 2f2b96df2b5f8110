/**
 * cli: processes, arguments and signals: `flotilla demo` and `flotilla check-history`. May use
 * service, engine, base and the histories of testing. It knows nothing that an embedder could not
 * do with the public API.
 */
export { integerArgument } from "./arguments.ts";
export { checkHistoryProgram } from "./check-history.ts";
export { createEverywhere } from "./create-everywhere.ts";
export { demoProgram } from "./demo/program.ts";
export { moduleBeside } from "./module-beside.ts";
export { NodeProcess } from "./node-process.ts";
export { Progress } from "./progress.ts";
export { Interrupted, UsageError, exitCodes, packageVersion, runProgram } from "./run-program.ts";
export { withTemporaryDirectory } from "./temporary-directory.ts";
