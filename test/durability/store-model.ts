/**
 * What a store must hold after a run of batches, worked out in the simplest way, and what an open
 * store does hold, both as one text to compare.
 */
import { createHash } from "node:crypto";
import { RaftError, assert } from "../../src/base/index.ts";
import type {
  Ballot,
  CommitBatch,
  Descriptor,
  GroupChange,
  LogStore,
  RecoveredGroup,
} from "../../src/log/index.ts";
import { decodeEntries } from "../../src/raft/index.ts";
import type { Block } from "../../src/raft/index.ts";
import { crc32c } from "../../src/wire/index.ts";

interface GroupState {
  readonly descriptor: Descriptor;
  readonly ballot: Ballot;
  readonly commit: number;
  /** An entry each: its term and bytes. */
  readonly entries: readonly string[];
}

/** Where a block's bytes do not match its checksum, reading ends. */
const unsound = "unsound";

/** In the place of a group's state, where the store says that its log is damaged. */
export const damagedState = "damaged";

export class StoreModel {
  readonly #groups = new Map<number, GroupState>();

  /** Returns the state after the batch; a batch that leaves a gap is not for here. */
  apply({ changes, descriptors, removed }: CommitBatch): string {
    for (const group of removed) this.#groups.delete(group);
    for (const descriptor of descriptors) {
      const { ballot, commit, entries } = this.#groups.get(descriptor.group) ?? {
        ballot: { term: 0, vote: undefined },
        commit: 0,
        entries: [],
      };
      this.#groups.set(descriptor.group, { descriptor, ballot, commit, entries });
    }
    for (const change of changes) this.#change(change);
    return this.digest();
  }

  digest(): string {
    return digestOf([...this.#groups.values()]);
  }

  #change({ group, commit, ballot, blocks }: GroupChange): void {
    const old = this.#groups.get(group);
    assert(old !== undefined, "a group has its descriptor before its first change");
    const entries = [...old.entries];
    for (const block of blocks) entries.splice(block.first - 1, entries.length, ...textsOf(block));
    const next = { ...old, commit, ballot: ballot ?? old.ballot, entries };
    this.#groups.set(group, next);
  }
}

function textsOf(block: Block): string[] {
  if (crc32c(block.bytes) !== block.checksum) return new Array<string>(block.count).fill(unsound);
  return decodeEntries(block).map(
    (entry) => `${block.term} ${block.kind} ${Buffer.from(entry).toString("hex")}`,
  );
}

/** The state of an open store, as it was recovered and as it reads. */
export function stateOf(store: LogStore, recovered: readonly RecoveredGroup[]): string {
  return digestOf(
    recovered.map(({ descriptor, ballot, commit, lastIndex }) => {
      const entries: string[] = [];
      while (entries.length < lastIndex)
        entries.push(...readFrom(store, descriptor, entries.length));
      return { descriptor, ballot, commit, entries };
    }),
  );
}

function readFrom(store: LogStore, { group }: Descriptor, count: number): string[] {
  try {
    const [block] = store.read(group, count + 1, 1);
    assert(block !== undefined, "the log goes on to its last index");
    return textsOf(block);
  } catch (error) {
    if (error instanceof RaftError && error.code === "ERR_STORE_CORRUPT") return [unsound];
    throw error;
  }
}

function digestOf(groups: readonly GroupState[]): string {
  const hash = createHash("sha256");
  for (const { descriptor, ballot, commit, entries } of groups.toSorted(byGroup)) {
    const { group, members, state, reason } = descriptor;
    const { term, vote } = ballot;
    hash.update(JSON.stringify([group, members, state, reason, term, vote ?? null, commit]));
    for (const entry of entries) hash.update(`${entry}\n`);
  }
  return hash.digest("hex");
}

function byGroup(a: GroupState, b: GroupState): number {
  return a.descriptor.group - b.descriptor.group;
}
