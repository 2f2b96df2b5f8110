/** What a call may have done if its answer never comes. */
import type { Outcome } from "../base/index.ts";
import type { ControlCall } from "../shard/index.ts";

export type CallKind = "proposal" | "read" | ControlCall["kind"];

/** `reads`: it changes nothing, whatever became of it. */
const effects: Readonly<Record<CallKind, "reads" | "writes">> = {
  proposal: "writes",
  read: "reads",
  status: "reads",
  stats: "reads",
  digest: "reads",
  createGroup: "writes",
  startGroup: "writes",
  stopGroup: "writes",
  enableGroup: "writes",
  campaign: "writes",
  resign: "writes",
  setPeers: "writes",
  renewCredentials: "writes",
  start: "writes",
  close: "writes",
};

/** The outcome of a call that was not answered. */
export function outcomeUnanswered(kind: CallKind): Outcome {
  return effects[kind] === "reads" ? "none" : "unknown";
}
