/**
 * A process killed at any moment loses no acknowledged commit, and its successor goes on where it
 * stood.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { Prng } from "../../src/base/index.ts";
import { makeTempDir } from "../fixtures/store-places.ts";
import { StoreWorkload, stateDigest } from "./store-workload.ts";
import type { WriterOptions } from "./store-writer.ts";
import { createTrialStore, durableKinds } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

const seed = Number(process.env["FLOTILLA_SEED"] ?? Date.now() % 1_000_000);
const roundsOf = { strict: 20, pipelined: 20, none: 5 } as const;
const commitsMax = 10_000;
const writer = new URL("./store-writer.js", import.meta.url).pathname;

/**
 * Runs the writer, kills it after it has said `acksMin` times that a commit is durable; returns its
 * last one.
 */
async function killAfter(options: WriterOptions, acksMin: number): Promise<number> {
  const child = spawn(process.execPath, [writer, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    output += text;
    if (output.split("ack ").length > acksMin) child.kill("SIGKILL");
  });
  await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // The last line may be cut off by the end of the process; then it was not said.
  const acks = [...output.matchAll(/^ack (\d+)\n/gm)];
  return Number(acks.at(-1)?.[1] ?? options.resumeAt);
}

/** Number of commits whose state the store is in. */
async function findState(options: TrialStore, from: number): Promise<number> {
  const store = createTrialStore(options, 131_072);
  const digest = stateDigest(store, await store.open());
  await store.close();
  const workload = new StoreWorkload(seed);
  while (workload.commits < from) workload.next();
  while (workload.digest() !== digest) {
    assert.ok(workload.commits < from + commitsMax, `seed ${seed}: no state of the workload`);
    workload.next();
  }
  return workload.commits;
}

const kinds = [
  ...durableKinds,
  { kind: "lmdb", durability: "none" },
  { kind: "segments", durability: "none" },
] as const;

for (const { kind, durability } of kinds) {
  test(`a killed process loses no ${kind} ${durability} commit that it had acknowledged`, async (t) => {
    t.diagnostic(`seed ${seed}; repeat with: npm test -- --only kill-store --seed ${seed}`);
    const prng = new Prng(seed);
    const dir = makeTempDir();
    try {
      let resumeAt = 0;
      for (let round = 0; round < roundsOf[durability]; round += 1) {
        const options = { dir, kind, durability, seed, resumeAt, commits: commitsMax };
        const acknowledged = await killAfter(options, prng.between(0, 30));
        const state = await findState(options, acknowledged);
        assert.ok(state >= acknowledged, `seed ${seed}, round ${round}`);
        resumeAt = state;
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
}
