import { messageOf } from "../../base/index.ts";
import type { GroupId, NodeId } from "../../base/index.ts";
import type { Entry, StateMachine } from "../../shard/index.ts";
import { hashOf } from "./shadow.ts";
import type { World } from "./world.ts";

const encoder = new TextEncoder();

/** Shows to the checks what a machine was given and what it made of it. */
export class WatchedMachine implements StateMachine {
  private readonly world: World;
  private readonly node: NodeId;
  private readonly group: GroupId;
  private readonly inner: StateMachine;

  constructor(world: World, node: NodeId, group: GroupId, inner: StateMachine) {
    this.world = world;
    this.node = node;
    this.group = group;
    this.inner = inner;
  }

  apply(entry: Entry): Uint8Array | undefined {
    const { index, term } = entry;
    const hash = hashOf(entry.bytes.subarray(entry.start, entry.end), 0);
    try {
      const result = this.inner.apply(entry);
      this.show({ index, term, hash, resultHash: result === undefined ? 0 : hashOf(result, 1) });
      return result;
    } catch (error) {
      this.show({ index, term, hash, resultHash: hashOf(encoder.encode(messageOf(error)), 2) });
      throw error;
    }
  }

  query(query: Uint8Array): Uint8Array | undefined {
    return this.inner.query(query);
  }

  digest(): string {
    return this.inner.digest?.() ?? "";
  }

  onRole(...change: Parameters<NonNullable<StateMachine["onRole"]>>): void {
    this.inner.onRole?.(...change);
  }

  close(): void {
    this.inner.close?.();
  }

  private show(applied: { index: number; term: number; hash: number; resultHash: number }): void {
    const { node, group, world } = this;
    world.tally.count("entries applied");
    world.agenda.note(applied.hash);
    world.trace?.applied(node, group, applied.index);
    world.checks.onApplied?.({ node, group, ...applied });
  }
}
