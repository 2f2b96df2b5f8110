/** Faults of a start that may be over with the next one. */
import type { RaftError } from "../base/index.ts";
import { usedUpCodes } from "../log/index.ts";

/** Codes of the system for what is used up now and may be free later. */
const passingCodes: ReadonlySet<string | undefined> = new Set([...usedUpCodes, "ENOSPC"]);

/** Whether an open that failed so may succeed later, without anything having been written. */
export function isPassing({ code, details }: RaftError): boolean {
  if (code === "ERR_PORT_IN_USE" || code === "ERR_LISTEN_FAILED") return true;
  return code === "ERR_STORE_FAILED" && passingCodes.has(details.systemCode);
}
