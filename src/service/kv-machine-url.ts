// The compiler rewrites imports but not strings, so the extension comes from this file's own name:
// .ts where Node runs the sources, .js where it runs what was built.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));

/** The key-value machine's module, for the engine's option `stateMachine`. */
export const kvMachineUrl: URL = new URL(`./kv-machine${extension}`, import.meta.url);
