/** A log store of an embedder's own: entries in memory, one disk a directory. */
import { MemoryDisk, MemoryStore } from "../../../src/log/index.ts";
import type { CreateLogStore } from "../../../src/log/index.ts";

const disks = new Map<string, MemoryDisk>();

export const createLogStore: CreateLogStore = ({ dir, durability }) => {
  const disk = disks.get(dir) ?? new MemoryDisk();
  disks.set(dir, disk);
  return new MemoryStore({ disk, durability });
};
