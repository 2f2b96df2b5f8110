/**
 * The one reason to skip a test: the machine refuses what it needs, such as mounts, namespaces or a
 * compiler. The reason stands in the output, and the count of tests not run in its last line.
 */
import type { TestContext } from "node:test";

/** Whether the test cannot run, and has been marked as skipped. */
export function skipWithout(t: TestContext, obstacle: string | undefined): boolean {
  if (obstacle === undefined) return false;
  t.skip(obstacle);
  return true;
}
