import type { GroupId } from "../base/index.ts";
import type { CommitBatch, Descriptor } from "../log/index.ts";
import type { DescriptorWrite } from "./context.ts";

/**
 * Within a batch removals come before descriptors. A replica that was created and removed in one
 * round must stay removed: of what was written for a group only what came after its last removal
 * counts.
 */
export function descriptorChanges(
  writes: readonly DescriptorWrite[],
): Pick<CommitBatch, "descriptors" | "removed"> {
  const descriptors = new Map<GroupId, Descriptor>();
  const removed = new Set<GroupId>();
  for (const { put, remove } of writes) {
    if (put !== undefined) descriptors.set(put.group, put);
    if (remove === undefined) continue;
    descriptors.delete(remove);
    removed.add(remove);
  }
  return { descriptors: [...descriptors.values()], removed: [...removed] };
}
