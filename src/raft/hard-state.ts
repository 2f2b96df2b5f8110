import type { Index, NodeKey, Term } from "../base/index.ts";

/**
 * What a replica must find again after a crash, besides its entries (thesis figure 3.1, "persistent
 * state").
 */
export interface HardState {
  readonly term: Term;
  /** Who got this replica's vote in `term`, or `nobody`. */
  readonly vote: NodeKey;
  /**
   * Known to be committed. May lag behind the truth after a crash: the next leader's commit index
   * repairs it.
   */
  readonly commit: Index;
}
