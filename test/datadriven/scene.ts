/** What the commands of one text file act on: a group, made by its first command. */
import assert from "node:assert/strict";
import type { NodeKey } from "../../src/base/index.ts";
import { describeReady } from "../../src/raft/index.ts";
import type { ConfirmedRead, Ready } from "../../src/raft/index.ts";
import type { GroupSetup } from "./simulated-group.ts";
import { SimulatedGroup } from "./simulated-group.ts";

export class Scene {
  private current: SimulatedGroup | undefined;
  /** What a test sets by `set-timeout`: how far above the lower bound a replica draws its election deadline. */
  readonly jitters: Map<NodeKey, number> = new Map();
  proposals = 0;

  create(setup: Omit<GroupSetup, "random">): void {
    this.jitters.clear();
    this.proposals = 0;
    this.current = new SimulatedGroup({
      ...setup,
      random: (id, lo, hi) => Math.min(lo + (this.jitters.get(id) ?? id), hi - 1),
    });
  }

  get group(): SimulatedGroup {
    assert.ok(this.current !== undefined, "add-nodes comes first");
    return this.current;
  }

  /** `count` commands of `size` bytes, each different. */
  nextProposals(count: number, size: number): string[] {
    return Array.from({ length: count }, () => {
      this.proposals += 1;
      return `p${this.proposals}`.padEnd(size, ".").slice(0, size);
    });
  }
}

export function showReady(id: NodeKey, ready: Ready): string {
  const text = describeReady(ready);
  return text === "" ? "" : [`${id}:`, ...text.split("\n").map((line) => `  ${line}`)].join("\n");
}

export function showReads(reads: readonly ConfirmedRead[]): string {
  return reads.map(({ ticket, index }) => `read ${ticket} at:${index}`).join("\n");
}
