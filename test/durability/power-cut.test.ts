/**
 * After a loss of power at any moment the store holds all acknowledged commits, exactly, and of the
 * others a whole one or none. A writer is traced, the file rebuilt as power cuts may leave it, and
 * each such file opened.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Prng } from "../../src/base/index.ts";
import { makeTempDir } from "../fixtures/store-places.ts";
import { crashImage, losses, segmentImages } from "./crash-image.ts";

import { saidLines } from "./flush-order.ts";
import type { Opened, OpenerOptions } from "./image-opener.ts";
import { StoreWorkload } from "./store-workload.ts";
import { readTrace, runTraced, whyNotTraceable } from "./syscall-trace.ts";
import type { TracedCall } from "./syscall-trace.ts";
import { durableKinds } from "./trial-store.ts";
import type { StoreKind, TrialStore } from "./trial-store.ts";

type StoreMode = Omit<TrialStore, "dir">;

const seed = Number(process.env["FLOTILLA_SEED"] ?? Date.now() % 1_000_000);
const commits = 150;
const cuts = 60;
const obstacle = whyNotTraceable();
const script = (name: string): string => new URL(`./${name}.js`, import.meta.url).pathname;

interface Cut {
  readonly dir: string;
  readonly story: string;
  /** Commits acknowledged before the cut: the least that must be there. */
  readonly acknowledged: number;
}

interface Trace {
  readonly kind: StoreKind;
  readonly calls: readonly TracedCall[];
  readonly said: ReadonlyMap<string, number>;
}

async function traceWorkload(root: string, store: StoreMode): Promise<Trace> {
  const dir = join(root, "store");
  const traceFile = join(root, "trace");
  const options = { dir, ...store, seed, resumeAt: 0, commits };
  await runTraced(traceFile, script("store-writer"), JSON.stringify(options));
  const calls = await readTrace(traceFile);
  const own = /(?:data\.mdb|\.seg)$/;
  const { kind } = store;
  return { kind, calls: calls.filter(({ file }) => own.test(file)), said: saidLines(calls) };
}

/**
 * Cuts power at chance moments between the opening of the store and its closing, and writes the
 * images.
 */
function makeCuts(root: string, { kind, calls, said }: Trace, prng: Prng): Cut[] {
  const from = [...said].find(([line]) => line.startsWith("opened "))?.[1];
  assert.ok(from !== undefined, "the writer opened its store");
  const moments = calls.filter(({ startedAt }) => startedAt > from);
  return Array.from({ length: cuts }, (_, number) => {
    const cutAt = moments[prng.between(0, moments.length)]?.startedAt ?? from;
    const loss = losses[number % losses.length] ?? "all";
    let acknowledged = 0;
    while ((said.get(`ack ${acknowledged + 1}`) ?? Number.POSITIVE_INFINITY) <= cutAt) {
      acknowledged += 1;
    }
    const dir = join(root, `cut-${number}`);
    mkdirSync(dir);
    const images =
      kind === "segments"
        ? segmentImages(calls, cutAt, loss, prng)
        : new Map([["data.mdb", crashImage(calls, cutAt, loss, prng)]]);
    for (const [name, bytes] of images) writeFileSync(join(dir, name), bytes);
    return { dir, story: `cut ${number} at call ${cutAt}, losing ${loss}`, acknowledged };
  });
}

/**
 * Opens all images; a process that crashes is reported for the image it was at, and another goes on
 * after it.
 */
function openAll(cutsMade: readonly Cut[], store: StoreMode): Map<string, Opened> {
  const found = new Map<string, Opened>();
  let dirs = cutsMade.map(({ dir }) => dir);
  while (dirs.length > 0) {
    const options: OpenerOptions = { dirs, ...store };
    const child = spawnSync(process.execPath, [script("image-opener"), JSON.stringify(options)], {
      encoding: "utf8",
    });
    for (const line of child.stdout.split("\n").filter((text) => text !== "")) {
      const opened: Opened = JSON.parse(line);
      found.set(opened.dir, opened);
    }
    dirs = dirs.filter((dir) => !found.has(dir));
    const crashed = dirs.shift();
    if (crashed === undefined) break;
    const digest = `crashed with ${child.signal ?? child.status}: ${child.stderr}`;
    found.set(crashed, { dir: crashed, digest, writable: false });
  }
  return found;
}

/** What is wrong with the stores found after the cuts, as text. */
async function findLosses(store: StoreMode): Promise<string[]> {
  const root = makeTempDir();
  try {
    const trace = await traceWorkload(root, store);
    const made = makeCuts(root, trace, new Prng(seed));
    const { kind, durability } = store;
    const opened = durability === "none" ? "strict" : durability;
    const found = openAll(made, { kind, durability: opened });
    const workload = new StoreWorkload(seed);
    const states = new Map([[workload.digest(), 0]]);
    while (workload.commits < commits) {
      workload.next();
      states.set(workload.digest(), workload.commits);
    }
    return made.flatMap(({ dir, story, acknowledged }) => {
      const image = found.get(dir);
      const state = states.get(image?.digest ?? "");
      if (state === undefined) return [`${story}: no state of the workload: ${image?.digest}`];
      if (state < acknowledged) return [`${story}: ${acknowledged} acknowledged, ${state} there`];
      return image?.writable === true ? [] : [`${story}: takes no further commits`];
    });
  } finally {
    rmSync(root, { recursive: true });
  }
}

for (const store of durableKinds) {
  test(`a ${store.kind} ${store.durability} store keeps every acknowledged commit over ${cuts} power cuts`, async (t) => {
    if (obstacle !== undefined) return t.diagnostic(obstacle);
    t.diagnostic(`seed ${seed}; repeat with: npm test -- --only power-cut --seed ${seed}`);
    assert.deepEqual(await findLosses(store), [], `seed ${seed}`);
  });
}

for (const kind of ["lmdb", "segments"] as const) {
  test(`power cuts do damage a ${kind} store that never flushes, so they bite`, async (t) => {
    if (obstacle !== undefined) return t.diagnostic(obstacle);
    t.diagnostic(`seed ${seed}; repeat with: npm test -- --only power-cut --seed ${seed}`);
    assert.notDeepEqual(await findLosses({ kind, durability: "none" }), []);
  });
}
