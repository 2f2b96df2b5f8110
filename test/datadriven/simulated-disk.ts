/**
 * The disk of one simulated replica: what a store with one transaction a Ready would keep. Writes are visible to reads at
 * once and survive a crash only once synced, oldest first, so a test can lose exactly what a power cut would lose.
 */
import assert from "node:assert/strict";
import type { Index, NodeKey, Term } from "../../src/base/index.ts";
import { lastIndexOf, sliceBlock } from "../../src/raft/index.ts";
import type {
  Block,
  Configuration,
  LogReader,
  RaftOrigin,
  Ready,
  TermRun,
} from "../../src/raft/index.ts";

export interface DiskState {
  readonly term: Term;
  readonly vote: NodeKey;
  readonly commit: Index;
  readonly blocks: readonly Block[];
}

type Write = Pick<Ready, "ballot" | "commit" | "blocks">;

/** Stands for CRC-32C: any function of the bytes will do here. */
export function checksumOf(bytes: Uint8Array): number {
  let sum = 17;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return sum;
}

export class SimulatedDisk implements LogReader {
  private view: DiskState = { term: 0, vote: 0, commit: 0, blocks: [] };
  private durable: DiskState = this.view;
  private unsynced: Write[] = [];

  /** Replaces everything, durably. */
  format(state: DiskState): void {
    this.view = state;
    this.durable = state;
    this.unsynced = [];
  }

  write(write: Write): void {
    this.view = withWrite(this.view, write);
    this.unsynced.push(write);
  }

  /** Makes the oldest write durable. */
  sync(): void {
    const write = this.unsynced.shift();
    assert.ok(write !== undefined, "there is a write to sync");
    this.durable = withWrite(this.durable, write);
  }

  /** Loses what was not synced, but for the oldest `kept` writes, which reached the disk before the power went. */
  crash(kept: number): void {
    for (let count = Math.min(kept, this.unsynced.length); count > 0; count -= 1) this.sync();
    this.view = this.durable;
    this.unsynced = [];
  }

  /** Whether the entry is on the disk to stay. */
  holds(index: Index, term: Term): boolean {
    return this.durable.blocks.some(
      (block) => block.first <= index && index <= lastIndexOf(block) && block.term === term,
    );
  }

  read(from: Index, bytesMax: number): readonly Block[] {
    const blocks: Block[] = [];
    let bytes = 0;
    for (const block of this.view.blocks) {
      const end = lastIndexOf(block) + 1;
      if (end <= from) continue;
      if (blocks.length > 0 && bytes + block.bytes.length > bytesMax) break;
      const part = block.first >= from ? block : sliceBlock(block, from, end, checksumOf);
      blocks.push(part);
      bytes += part.bytes.length;
    }
    return blocks;
  }

  /** What a replica that starts on this disk recovers. */
  origin(self: NodeKey, configuration: Configuration): RaftOrigin {
    const { term, vote, commit, blocks } = this.view;
    const last = blocks.at(-1);
    const terms: TermRun[] = [];
    for (const block of blocks) {
      if (terms.at(-1)?.term !== block.term) terms.push({ first: block.first, term: block.term });
    }
    return {
      self,
      configuration,
      hardState: { term, vote, commit },
      lastIndex: last === undefined ? 0 : lastIndexOf(last),
      terms,
    };
  }
}

function withWrite(state: DiskState, { ballot, commit, blocks }: Write): DiskState {
  return {
    term: ballot?.term ?? state.term,
    vote: ballot?.vote ?? state.vote,
    commit: Math.max(state.commit, commit),
    blocks: replaceSuffix(state.blocks, blocks),
  };
}

function replaceSuffix(stored: readonly Block[], added: readonly Block[]): readonly Block[] {
  const first = added[0]?.first;
  if (first === undefined) return stored;
  const kept: Block[] = [];
  for (const block of stored) {
    if (block.first >= first) break;
    const end = Math.min(lastIndexOf(block) + 1, first);
    kept.push(sliceBlock(block, block.first, end, checksumOf));
  }
  const end = kept.at(-1);
  assert.equal(first, end === undefined ? 1 : lastIndexOf(end) + 1, "the store sees no gap");
  return [...kept, ...added];
}
