import type { Index, Term } from "../base/index.ts";
import { blockKind, encodeEntries } from "../raft/index.ts";
import type { Block } from "../raft/index.ts";
import { crc32c } from "../wire/index.ts";

/**
 * A block of commands as a leader would lay it. Its time is made of its place, so that equal calls
 * give equal blocks.
 */
export function makeBlock(first: Index, term: Term, entries: readonly Uint8Array[]): Block {
  const bytes = encodeEntries(entries);
  return {
    first,
    term,
    kind: blockKind.command,
    count: entries.length,
    timeMs: 1_700_000_000_000 + first,
    checksum: crc32c(bytes),
    bytes,
  };
}
