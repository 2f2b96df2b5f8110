/**
 * Numbers the nodes that a shard knows: NodeId ↔ NodeKey. Keys are never stored and never sent.
 * Only members of groups get one: a name that somebody has merely claimed must not take the place
 * of one, so the sender of a frame is looked for with `find`.
 */
import { RaftError, assert, limits } from "../base/index.ts";
import type { NodeId, NodeKey } from "../base/index.ts";

export class Nodes {
  readonly self: NodeKey;
  private readonly ids: NodeId[] = [""];
  private readonly keys: Map<NodeId, NodeKey> = new Map();

  constructor(self: NodeId) {
    this.self = this.keyOf(self);
  }

  /** The node's key; a new one for a node not seen before. */
  keyOf(id: NodeId): NodeKey {
    const known = this.keys.get(id);
    if (known !== undefined) return known;
    if (this.ids.length > limits.nodesMax) {
      throw new RaftError(
        "ERR_BUSY",
        `A shard knows at most ${limits.nodesMax} nodes; "${id}" is one more`,
      );
    }
    const key = this.ids.length;
    this.ids.push(id);
    this.keys.set(id, key);
    return key;
  }

  /** Whether there are keys for all of these nodes. */
  admits(ids: readonly NodeId[]): boolean {
    const unknown = new Set(ids.filter((id) => !this.keys.has(id)));
    return this.ids.length + unknown.size <= limits.nodesMax + 1;
  }

  /** The key of a node seen before, or undefined: for names that come from outside. */
  find(id: NodeId): NodeKey | undefined {
    return this.keys.get(id);
  }

  idOf(key: NodeKey): NodeId {
    const id = this.ids[key];
    assert(id !== undefined && key > 0, `node key ${key} is known`);
    return id;
  }
}
