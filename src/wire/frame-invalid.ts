import { RaftError } from "../base/index.ts";

/**
 * The one error for bytes that are not the protocol. Whoever catches it closes the connection that
 * they came on.
 */
export function frameInvalid(message: string, cause?: unknown): RaftError {
  return new RaftError("ERR_FRAME_INVALID", message, { cause });
}
