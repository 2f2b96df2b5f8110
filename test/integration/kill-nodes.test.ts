/**
 * Nodes killed at any moment under load lose nothing that was acknowledged. SIGKILL leaves the page
 * cache as it is; what a power cut does is shown in `test/durability`.
 */
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Prng } from "../../src/base/index.ts";
import { NodeCluster } from "./node-cluster.ts";
import type { ClusterOptions } from "./node-cluster.ts";
import { seededPrng } from "./random-seed.ts";

/** Mostly one node, now and then two, now and then all three. */
function drawVictims(prng: Prng, names: readonly string[]): string[] {
  const rest = [...names];
  const dice = prng.between(0, 10);
  const victims: string[] = [];
  for (let count = dice < 6 ? 1 : dice < 8 ? 2 : 3; count > 0; count -= 1) {
    victims.push(...rest.splice(prng.between(0, rest.length), 1));
  }
  return victims;
}

async function killRounds(t: TestContext, rounds: number, options: ClusterOptions): Promise<void> {
  const prng = seededPrng(t, "kill-nodes");
  await using cluster = new NodeCluster(options);
  await cluster.start(...cluster.names);
  await cluster.createGroups(30);
  await cluster.startLoad(8);
  for (let round = 1; round <= rounds; round += 1) {
    await cluster.progress(prng.between(1, 200));
    const victims = drawVictims(prng, cluster.names);
    await cluster.kill(...victims);
    // With a majority left, the others go on without the dead before these come back.
    if (victims.length === 1 && prng.chance(0.5)) await cluster.progress(prng.between(1, 100));
    await cluster.start(...victims);
    if (round % 10 !== 0 && round !== rounds) continue;
    await cluster.progress(1);
    t.diagnostic(`round ${round}: ${await cluster.stopLoad()}`);
    await cluster.verify();
    if (round !== rounds) await cluster.startLoad(8);
  }
}

test("nodes killed at random for 20 rounds lose no acknowledged write and apply none twice", (t) =>
  killRounds(t, 20, {}));

test("on segments nodes killed at random lose no acknowledged write and apply none twice", (t) =>
  killRounds(t, 8, { store: "segments" }));

test("with pipelined commits nodes killed at random lose no acknowledged write", (t) =>
  killRounds(t, 5, { durability: "pipelined" }));
