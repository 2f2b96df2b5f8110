import { RaftError, messageOf } from "./errors.ts";
import type { Outcome } from "./errors.ts";

/** Codes of the operating system for a failed call, and what helps. */
const adviceOf: Readonly<Record<string, string>> = {
  ENOSPC: "free space on its file system, then open it again",
  EDQUOT: "raise the quota or free space, then open it again",
  EROFS: "make its file system writable, then open it again",
  EACCES: "let this process's user read and write it, then open it again",
  EPERM: "let this process's user read and write it, then open it again",
  EIO: "check the disk before anything else is written to it",
};

/** A file system that does not do what it was asked. The message says what helps, where we know. */
export function diskFailure(action: string, cause: unknown, outcome?: Outcome): RaftError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const advice = adviceOf[code];
  const message = `Cannot ${action}: ${messageOf(cause)}`;
  return new RaftError(
    "ERR_STORE_FAILED",
    advice === undefined ? message : `${message}; ${advice}`,
    {
      cause,
      ...(outcome === undefined ? {} : { outcome }),
    },
  );
}
