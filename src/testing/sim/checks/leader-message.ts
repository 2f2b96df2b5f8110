import type { Message } from "../../../raft/index.ts";

/** Whether only the leader of its term may send such a message. */
export function speaksAsLeader({ kind }: Message): boolean {
  switch (kind) {
    case "appendRequest":
    case "heartbeatRequest":
    case "commitNotice":
    case "parkRequest":
    case "timeoutNow":
      return true;
    default:
      return false;
  }
}
