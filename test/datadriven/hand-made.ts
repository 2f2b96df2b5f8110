/** Blocks and messages of a leader that is not there: replica 2, as replica 1 hears it. */
import type { Index, Term } from "../../src/base/index.ts";
import { blockKind, encodeEntries } from "../../src/raft/index.ts";
import type { AppendRequest, Block } from "../../src/raft/index.ts";
import { checksumOf } from "./simulated-disk.ts";

/** A block of commands; each names its place, so that different entries have different bytes. */
export function blockOf(first: Index, term: Term, count = 1): Block {
  const texts = Array.from({ length: count }, (_, at) => Buffer.from(`${first + at}@${term}`));
  const bytes = encodeEntries(texts);
  const checksum = checksumOf(bytes);
  return { first, term, kind: blockKind.command, count, timeMs: 0, checksum, bytes };
}

/** Blocks that follow the entry `prev`: its index and term. */
export function append(
  term: Term,
  [prevIndex, prevTerm]: readonly [Index, Term],
  blocks: readonly Block[] = [],
): AppendRequest {
  return { kind: "appendRequest", from: 2, to: 1, term, prevIndex, prevTerm, commit: 0, blocks };
}
