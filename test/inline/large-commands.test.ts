/** Large calls become blocks where they lie, and large blocks leave without being copied. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ShardCluster } from "./shard-cluster.ts";

const sizes = [4_000, 4_093, 4_096, 40_000, 300_000];

function command(at: number, size: number): string {
  return String.fromCharCode(97 + at).repeat(size);
}

test("large commands, alone and together, arrive everywhere as they were handed in", async () => {
  const cluster = await ShardCluster.start({ seed: 3 });
  await cluster.createGroup("a", 1);
  const client = cluster.client("a", 1);
  const expected: string[] = [];
  for (const [at, size] of sizes.entries()) {
    const large = command(at, size);
    const batch = [large, "small", large.slice(0, 3_000)];
    expected.push(large, ...batch);
    const alone = client.propose(1, large);
    await cluster.run();
    const together = client.proposeBatch(1, batch);
    // Others' calls in the same mail, and one more of this group's in the same block.
    client.propose(1, `${at}`);
    expected.push(`${at}`);
    await cluster.run();
    assert.equal(alone.results().length, 1);
    assert.equal(together.results().length, 3);
  }
  const digest = await cluster.digest("a", 1);
  assert.equal(digest, expected.join(","));
  await cluster.crash("b");
  await cluster.boot("b");
  await cluster.introduce();
  await cluster.tick(10);
  for (const node of cluster.nodes) assert.equal(await cluster.digest(node, 1), digest);
  await cluster.close();
});
