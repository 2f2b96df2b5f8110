import { RaftError, diskFailure } from "../base/index.ts";

/** A disk that does not do what it was asked. Whether what was asked has happened is not known. */
export function storeFailure(action: string, cause: unknown): RaftError {
  return diskFailure(action, cause);
}

/**
 * The log was opened by another store: this one has lost it. Two processes with one directory mean
 * that the lock of the directory did not hold, for instance since its file was deleted.
 */
export function storeTaken(name: string): RaftError {
  const cause = `another process has opened ${name} since`;
  const advice = "let one process use it, with its lock file left alone, and restart that one";
  return new RaftError("ERR_STORE_FAILED", `Cannot write: ${cause}; ${advice}`);
}

/** A call to a store that is closed, or not open yet: it had no effect. */
export function storeNotOpen(action: string, state: string): RaftError {
  const message = `Cannot ${action}: the store is ${state}`;
  return new RaftError("ERR_STORE_FAILED", message, { outcome: "none" });
}
