import { RaftError, messageOf } from "./errors.ts";
import type { Outcome } from "./errors.ts";

/** Codes of the operating system for a failed call, and what helps. */
const adviceOf: Readonly<Record<string, string>> = {
  ENOSPC: "free space on its file system, then open it again",
  EDQUOT: "raise the quota or free space, then open it again",
  EROFS: "make its file system writable, then open it again",
  EACCES: "let this process's user read and write it, then open it again",
  EPERM: "let this process's user read and write it, then open it again",
  EEXIST: "name a directory; there is something else",
  ENOTDIR: "name a directory; a part of the path is something else",
  ENAMETOOLONG: "choose a shorter path",
  EIO: "check the disk before anything else is written to it",
};

/** Numbers that a native library gives in place of the code, on Linux. */
const codeOfNumber: Readonly<Record<number, string>> = {
  5: "EIO",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  23: "ENFILE",
  24: "EMFILE",
  28: "ENOSPC",
  30: "EROFS",
};

function systemCodeOf(cause: unknown): string | undefined {
  const code: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (typeof code === "number") return codeOfNumber[code];
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** A file system that does not do what it was asked. The message says what helps, where we know. */
export function diskFailure(action: string, cause: unknown, outcome?: Outcome): RaftError {
  const systemCode = systemCodeOf(cause);
  const advice = adviceOf[systemCode ?? ""];
  const message = `Cannot ${action}: ${messageOf(cause)}`;
  return new RaftError(
    "ERR_STORE_FAILED",
    advice === undefined ? message : `${message}; ${advice}`,
    {
      cause,
      ...(systemCode === undefined ? {} : { details: { systemCode } }),
      ...(outcome === undefined ? {} : { outcome }),
    },
  );
}
