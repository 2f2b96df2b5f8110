/**
 * What the cases of `logStoreSuite` share: a place, the store open on it, and short ways to write
 * batches.
 */
import assert from "node:assert/strict";
import type { GroupId, Index } from "../../base/index.ts";
import type {
  CommitBatch,
  Descriptor,
  GroupChange,
  LogStore,
  RecoveredGroup,
} from "../../log/index.ts";
import { decodeEntries } from "../../raft/index.ts";
import type { Block } from "../../raft/index.ts";

export interface StorePlace {
  /**
   * A store on this place, not open yet. The one before it has been closed, or is about to lose the
   * place to this one.
   */
  store(): LogStore;
  /** Frees what the place takes. Its last store has been closed. */
  remove(): Promise<void>;
}

/** A case as its file writes it. */
export interface StoreCase {
  readonly name: string;
  readonly run: (trial: StoreTrial) => Promise<void>;
}

/** One place and the store that is open on it. */
export class StoreTrial {
  readonly #place: StorePlace;
  #store: LogStore | undefined;

  constructor(place: StorePlace) {
    this.#place = place;
  }

  get store(): LogStore {
    assert.ok(this.#store !== undefined, "a store is open");
    return this.#store;
  }

  /** Closes the open store, if any, and opens the next. */
  async open(): Promise<readonly RecoveredGroup[]> {
    await this.#store?.close();
    this.#store = this.#place.store();
    return this.#store.open();
  }

  /** Opens another store over the open one; undefined if it refuses the place. */
  async openOver(): Promise<LogStore | undefined> {
    const store = this.#place.store();
    try {
      await store.open();
      return store;
    } catch {
      await store.close();
      return undefined;
    }
  }

  commit(batch: Partial<CommitBatch>): Promise<void> {
    return this.store.commit({ changes: [], descriptors: [], removed: [], ...batch });
  }

  /** The entries of a group as text, read block after block from `from` to the end. */
  entries(group: GroupId, from: Index = 1): string[] {
    const texts: string[] = [];
    let next = from;
    for (;;) {
      const blocks = this.store.read(group, next, 1);
      const block = blocks[0];
      if (block === undefined) return texts;
      assert.equal(block.first, next, "a read begins at the entry asked for");
      texts.push(...textsOf(block));
      next += block.count;
    }
  }

  async remove(): Promise<void> {
    await this.#store?.close();
    await this.#place.remove();
  }
}

export function textsOf(block: Block): string[] {
  const texts = decodeEntries(block).map((entry) => Buffer.from(entry).toString());
  assert.equal(texts.length, block.count, "a block holds as many entries as it says");
  return texts;
}

export function bytesOf(...texts: readonly string[]): Uint8Array[] {
  return texts.map((text) => Buffer.from(text));
}

export function descriptorOf(group: GroupId): Descriptor {
  const members = [{ node: "a", incarnation: 0xffff_ffff_ffff }];
  return { group, members, state: "running", reason: "" };
}

export function change(group: GroupId, blocks: readonly Block[], commit: Index = 0): GroupChange {
  return { group, commit, ballot: undefined, blocks };
}
