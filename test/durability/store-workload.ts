/**
 * A workload that two processes can each make for themselves from a seed: one writes it, the other
 * knows what must be found. After commit N the store must be in state N of the workload, as told by
 * `stateDigest`; each state differs from all others, since the blocks of commit N hold a marker
 * with its number.
 */
import { createHash } from "node:crypto";
import { Prng, assert } from "../../src/base/index.ts";
import type { CommitBatch, LogStore, RecoveredGroup } from "../../src/log/index.ts";
import { decodeEntries } from "../../src/raft/index.ts";
import { makeBlock } from "../../src/testing/index.ts";

const groupCount = 8;

interface ModelGroup {
  term: number;
  vote: string | undefined;
  commit: number;
  /** Per entry its term and bytes. */
  entries: { readonly term: number; readonly hex: string }[];
}

/** Stands in each commit's entries, so that a trace of system calls can be searched for it. */
export function commitMarker(commit: number): string {
  return `<commit ${commit}>`;
}

export class StoreWorkload {
  /** Commits made so far. */
  commits = 0;
  readonly #prng: Prng;
  readonly #groups = new Map<number, ModelGroup>();

  readonly #removalRate: number;

  constructor(seed: number, removalRate: number = 0.02) {
    this.#prng = new Prng(seed);
    this.#removalRate = removalRate;
  }

  /**
   * The next commit. Appends to some groups; truncates, votes, removes and creates from time to
   * time.
   */
  next(): CommitBatch {
    this.commits += 1;
    const prng = this.#prng;
    const chosen = new Set<number>();
    for (let i = prng.between(1, 5); i > 0; i -= 1) chosen.add(prng.between(1, groupCount + 1));
    const removed: number[] = [];
    const descriptors: CommitBatch["descriptors"][number][] = [];
    const changes: CommitBatch["changes"][number][] = [];
    let left = chosen.size;
    for (const group of chosen) {
      left -= 1;
      if (this.#groups.has(group) && chosen.size > 1 && prng.chance(this.#removalRate)) {
        this.#groups.delete(group);
        removed.push(group);
        // Half of them start again in the same commit; always the last one, if nothing else has
        // changed: each commit needs a marker.
        if (prng.chance(0.5) && (left > 0 || changes.length > 0)) continue;
      }
      let model = this.#groups.get(group);
      if (model === undefined) {
        model = { term: 0, vote: undefined, commit: 0, entries: [] };
        this.#groups.set(group, model);
        const members = [{ node: "a", incarnation: this.commits }];
        descriptors.push({ group, members, state: "running", reason: "" });
      }
      changes.push(this.#change(group, model));
    }
    assert(changes.length > 0, "each commit has a marker");
    return { changes, descriptors, removed };
  }

  /** The present state as text. */
  digest(): string {
    const groups = [...this.#groups].sort(([a], [b]) => a - b);
    return hashOf(
      groups.map(([group, { term, vote, commit, entries }]) => ({
        group,
        term,
        vote: vote ?? null,
        commit,
        entries,
      })),
    );
  }

  #change(group: number, model: ModelGroup): CommitBatch["changes"][number] {
    const prng = this.#prng;
    let ballot: { term: number; vote: string | undefined } | undefined;
    if (model.term === 0 || prng.chance(0.1)) {
      model.term += 1;
      model.vote = prng.chance(0.5) ? "a" : undefined;
      ballot = { term: model.term, vote: model.vote };
      const cut = prng.between(model.commit, model.entries.length + 1);
      if (prng.chance(0.7)) model.entries.length = cut;
    }
    const first = model.entries.length + 1;
    const bytes: Buffer[] = [];
    for (let i = prng.between(1, 4); i > 0; i -= 1) {
      const size = prng.chance(0.03) ? prng.between(0, 30_000) : prng.between(0, 600);
      bytes.push(Buffer.from(commitMarker(this.commits) + "x".repeat(size)));
    }
    for (const entry of bytes) {
      model.entries.push({ term: model.term, hex: entry.toString("hex") });
    }
    model.commit = prng.between(model.commit, model.entries.length + 1);
    const blocks = [makeBlock(first, model.term, bytes)];
    return { group, commit: model.commit, ballot, blocks };
  }
}

/** The state of an open store, comparable with `StoreWorkload.digest`. */
export function stateDigest(store: LogStore, recovered: readonly RecoveredGroup[]): string {
  return hashOf(
    recovered.map(({ descriptor, ballot, commit, lastIndex }) => {
      const entries: { term: number; hex: string }[] = [];
      while (entries.length < lastIndex) {
        const blocks = store.read(descriptor.group, entries.length + 1, 65_536);
        assert(blocks.length > 0, "the log goes on to its last index");
        for (const block of blocks) {
          for (const entry of decodeEntries(block)) {
            entries.push({ term: block.term, hex: Buffer.from(entry).toString("hex") });
          }
        }
      }
      const { term, vote } = ballot;
      return { group: descriptor.group, term, vote: vote ?? null, commit, entries };
    }),
  );
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
