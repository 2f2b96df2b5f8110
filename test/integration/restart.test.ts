/** All nodes down at once, told or killed: everything is back, and no replica forgets what it promised. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupStatus } from "../../src/index.ts";
import { NodeCluster } from "./node-cluster.ts";

/** Terms and votes that went back, as text. */
function findForgotten(
  before: ReadonlyMap<string, GroupStatus>,
  after: ReadonlyMap<string, GroupStatus>,
): string[] {
  return [...before].flatMap(([name, { term, vote, lastIndex, incarnation }]) => {
    const now = after.get(name);
    if (now === undefined) return [`${name} is gone`];
    const faults: string[] = [];
    if (now.incarnation !== incarnation) faults.push(`${name} is another replica`);
    if (now.term < term) faults.push(`${name} went from term ${term} to ${now.term}`);
    if (now.term === term && vote !== undefined && now.vote !== vote) {
      faults.push(`${name} voted for ${vote}, then for ${now.vote ?? "nobody"} in term ${term}`);
    }
    if (now.lastIndex < lastIndex) faults.push(`${name} lost entries up to ${lastIndex}`);
    return faults;
  });
}

for (const how of ["close", "kill"] as const) {
  const verb = { close: "closed", kill: "killed" }[how];
  test(`all nodes ${verb} at once come back with every entry, term and vote`, async () => {
    await using cluster = new NodeCluster();
    await cluster.start(...cluster.names);
    await cluster.createGroups(30);
    await cluster.startLoad(8);
    await cluster.progress(300);
    // Terms above the first, so that a term that starts anew is seen.
    for (const name of cluster.names) {
      await cluster.node(name).call({ kind: "campaign", groups: cluster.groups });
    }
    await cluster.progress(300);
    // At rest, so that what is seen now is all on disk then; killed under load is another test.
    await cluster.stopLoad();
    await cluster.touchAll();
    const before = await cluster.statuses();
    await cluster[how](...cluster.names);
    await cluster.start(...cluster.names);
    assert.deepEqual(findForgotten(before, await cluster.statuses()), []);
    await cluster.verify();
  });
}

test("a node that is closed under load and comes back has what the others have", async () => {
  await using cluster = new NodeCluster();
  await cluster.start(...cluster.names);
  await cluster.createGroups(30);
  await cluster.startLoad(8);
  for (const name of cluster.names) {
    await cluster.progress(100);
    await cluster.close(name);
    await cluster.progress(100);
    await cluster.start(name);
  }
  await cluster.stopLoad();
  await cluster.verify();
});
