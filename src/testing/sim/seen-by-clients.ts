/** What clients of a user's own machine saw, for the user's own check. */
import type { GroupId, Index, NodeId } from "../../base/index.ts";
import { groupsByBirth } from "./history.ts";
import type { Recorded } from "./history.ts";
import { textToBytes } from "./workload.ts";

/** One operation of a client. Times are in simulated µs, of one clock for all. */
export interface SimulatedOperation {
  /** `localQuery`: of the called node's replica as it is, perhaps behind. */
  readonly kind: "command" | "query" | "localQuery";
  /** The node that was called. */
  readonly node: NodeId;
  /**
   * Counts groups: one that was created again, since its disks were lost or its creation failed,
   * has another number.
   */
  readonly group: GroupId;
  /** The command or query. */
  readonly bytes: Uint8Array;
  readonly callUs: number;
  /** Undefined where no answer ever came. */
  readonly returnUs: number | undefined;
  /**
   * `ok`: answered. `none`: refused, or the machine threw; it surely has no other effect than what
   * the machine did before it threw. `unknown`: it may take effect at any time after its call, or
   * never.
   */
  readonly outcome: "ok" | "none" | "unknown";
  /** What the machine returned; undefined where the outcome is not `ok`. */
  readonly result: Uint8Array | undefined;
  /** The command's entry; for a query, how far the state that it saw had applied the log. */
  readonly index: Index | undefined;
}

export function seenByClients(recorded: readonly Recorded[]): SimulatedOperation[] {
  const groupOf = groupsByBirth();
  return recorded.flatMap((one) => {
    const { kind, node, callUs, returnUs, index, outcome } = one;
    const group = groupOf(one);
    if (kind !== "command" && kind !== "query" && kind !== "localQuery") return [];
    return {
      kind,
      node,
      group,
      bytes: textToBytes(one.arguments[0] ?? ""),
      callUs,
      returnUs,
      outcome: outcome === "pending" ? "unknown" : outcome,
      result: outcome === "ok" ? textToBytes(one.result ?? "") : undefined,
      index,
    };
  });
}
