/**
 * How much address space the process may still take. LMDB maps its file with the size of the
 * option `mapBytes`, and its binding ends the process if that fails, so it is asked before.
 */
import { readFileSync } from "node:fs";
import { optionError } from "../base/index.ts";
import type { RaftError } from "../base/index.ts";

/** For what else a shard takes: its thread, its heap, what its modules map. */
const shardBytes = 1_073_741_824;

/** Why so many maps of this size cannot be had; undefined if they can, or nothing is known. */
export function mapFault(mapBytes: number, maps: number): RaftError | undefined {
  const left = addressSpaceLeft();
  if (left >= maps * (mapBytes + shardBytes)) return undefined;
  const most = Math.max(0, Math.floor(left / maps) - shardBytes);
  return optionError([
    `mapBytes must be at most ${most} for each of ${maps} shards, got ${mapBytes}: the process may take ${left} bytes more of address space (RLIMIT_AS, ulimit -v); raise that limit or lower the option`,
  ]);
}

/** Infinite if the system sets no limit, or none that it tells of. */
function addressSpaceLeft(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const limit = /^Max address space +(\d+) /m.exec(limits)?.[1];
    if (limit === undefined) return Number.POSITIVE_INFINITY;
    const status = readFileSync("/proc/self/status", "utf8");
    const usedKib = /^VmSize:\s+(\d+) kB$/m.exec(status)?.[1] ?? "0";
    return Math.max(0, Number(limit) - Number(usedKib) * 1_024);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
