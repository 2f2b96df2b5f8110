/**
 * cli: processes, arguments and signals: `flotilla demo`. May use service, engine and base. It
 * knows nothing that an embedder could not do with the public API.
 */
export { demoProgram } from "./demo/program.ts";
