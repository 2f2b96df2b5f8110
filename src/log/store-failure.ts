import { RaftError, diskFailure } from "../base/index.ts";

/** A disk that does not do what it was asked. Whether what was asked has happened is not known. */
export function storeFailure(action: string, cause: unknown): RaftError {
  return diskFailure(action, cause);
}

/** A call to a store that is closed, or not open yet: it had no effect. */
export function storeNotOpen(action: string, state: string): RaftError {
  const message = `Cannot ${action}: the store is ${state}`;
  return new RaftError("ERR_STORE_FAILED", message, { outcome: "none" });
}
