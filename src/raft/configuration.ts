import type { NodeKey } from "../base/index.ts";

/**
 * Who belongs to a group. During a membership change by joint consensus (thesis §4.3)
 * `votersOutgoing` holds the old majority's half and every decision needs both; otherwise it is
 * empty.
 */
export interface Configuration {
  readonly voters: readonly NodeKey[];
  readonly votersOutgoing: readonly NodeKey[];
  /** Receive the log, are never counted and never campaign. */
  readonly learners: readonly NodeKey[];
}
