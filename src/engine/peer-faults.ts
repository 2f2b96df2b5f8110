/**
 * Which nodes a shard was refused by, or has refused when it dialled them: what a call that found
 * nobody may have suffered from. As many entries as the address book has at the most.
 */
import type { NodeId } from "../base/index.ts";
import type { ShardEvent } from "../shard/index.ts";

export class PeerFaults {
  private readonly byNode = new Map<NodeId, string>();

  take(event: ShardEvent): void {
    if (event.kind === "peerConnected") this.byNode.delete(event.node);
    if (event.kind !== "peerRefused") return;
    const { direction, node, message } = event.refusal;
    if (direction === "outgoing" && node !== undefined) this.byNode.set(node, message);
  }

  /** The shard starts anew and has dialled nobody. */
  clear(): void {
    this.byNode.clear();
  }

  /** To be appended to a message. */
  describe(): string {
    return this.byNode.size === 0 ? "" : `; ${[...this.byNode.values()].join("; ")}`;
  }
}
