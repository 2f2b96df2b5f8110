/**
 * Replicas that have applied the same log are in the same state (thesis §2.1, figure 2.1). Results
 * show a part of a state only: a machine may answer every command alike and keep something else.
 */
import type { Incarnation, Index, NodeId } from "../../../base/index.ts";
import type { Check, SeenDigest, Stage } from "../check.ts";
import { Violation } from "../violation.ts";

export class DigestAgreement implements Check {
  readonly name = "digest-agreement";
  private readonly stage: Stage;
  /** The first that was seen at each index of each group's life. */
  private readonly seen: Map<Incarnation, Map<Index, SeenDigest>> = new Map();

  constructor(stage: Stage) {
    this.stage = stage;
  }

  onDigest(seen: SeenDigest): void {
    const { node, group, appliedIndex, digest } = seen;
    const birth = this.stage.shadow(node, group)?.birth;
    if (birth === undefined) return;
    let ofLife = this.seen.get(birth);
    if (ofLife === undefined) {
      ofLife = new Map();
      this.seen.set(birth, ofLife);
    }
    const known = ofLife.get(appliedIndex);
    if (known === undefined) ofLife.set(appliedIndex, seen);
    else if (known.digest !== digest) throw this.fault(known, node, seen);
  }

  private fault(one: SeenDigest, node: NodeId, other: SeenDigest): Violation {
    const { group, appliedIndex } = one;
    const said = `${one.node} says ${shorten(one.digest)}, ${node} says ${shorten(other.digest)}`;
    const where = `in group ${group} with ${appliedIndex} entries applied`;
    return new Violation(this.name, `the states differ ${where}: ${said}`);
  }
}

/** Some machines answer with their whole state. */
function shorten(digest: string): string {
  return digest.length <= 80 ? `"${digest}"` : `"${digest.slice(0, 80)}…"`;
}
