/** Creation of a group that is complete only when every member runs it. */
import type { CreateGroupOptions, Engine } from "../engine/index.ts";

/**
 * As `createGroup`, which returns soon after a majority has started: asks again until all have.
 * @throws what `createGroup` throws, and Error if members lack the group at the deadline
 */
export async function createEverywhere(
  engine: Engine,
  {
    group,
    members,
    timeoutMs,
  }: Required<Pick<CreateGroupOptions, "group" | "members">> & {
    readonly timeoutMs: number;
  },
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { notStarted } = await engine.createGroup({ group, members, timeoutMs });
    if (notStarted.length === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`Group ${group} did not start on ${notStarted.join()}`);
    }
  }
}
