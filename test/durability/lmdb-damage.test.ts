/**
 * Damage to LMDB's own pages, which carry no checksum: bit after bit of a small store is flipped.
 * Each time the store opens as it was, or says that it is corrupt. It never ends its process, never
 * grows, and never shows an older state: what was acknowledged is there, or the store is refused.
 *
 * Most flips are told by the check that is made before LMDB sees the file. The others are opened,
 * in another process, a batch at a time, since LMDB's native code may end it.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Prng } from "../../src/base/index.ts";
import { RaftError } from "../../src/base/index.ts";
import { checkLmdbFile } from "../../src/log/lmdb-file-check.ts";
import { readMetas } from "../../src/log/lmdb-meta.ts";
import type { MetaPage } from "../../src/log/lmdb-meta.ts";
import { withDir } from "../fixtures/store-places.ts";
import { roundsOf, seededPrng } from "../integration/random-seed.ts";
import type { Inspected, InspectorOptions } from "./store-inspector.ts";
import { damagedState } from "./store-model.ts";
import { StoreWorkload } from "./store-workload.ts";
import { createTrialStore } from "./trial-store.ts";

const commits = 150;
const metaBytes = 168;
const pageBytes = 4_096;
const growthBytesMax = 4_194_304;
const batchSize = 50;
const inspector = fileURLToPath(new URL("store-inspector.js", import.meta.url));
/** Flips behind the meta pages, and how many of those that the check lets through are opened. */
const flipsDrawn = roundsOf(150);
const opensDrawn = roundsOf(10);

interface Flip {
  readonly at: number;
  readonly bit: number;
}

/** A closed store with leaves, branches, large records, removed groups and a list of free pages. */
async function makeImage(dir: string): Promise<Buffer> {
  const store = createTrialStore({ dir, kind: "lmdb", durability: "none" }, 0);
  await store.open();
  const workload = new StoreWorkload(7, 0.1);
  for (let i = 0; i < commits; i += 1) await store.commit(workload.next());
  await store.close();
  return readFileSync(join(dir, "data.mdb"));
}

function metasOf(image: Buffer): { newer: MetaPage; older: MetaPage } {
  const metas = readMetas((target, at) => image.copy(target, 0, at));
  assert.ok(metas !== undefined);
  const [first, second] = metas;
  return first.transaction > second.transaction
    ? { newer: first, older: second }
    : { newer: second, older: first };
}

function flipped(image: Buffer, { at, bit }: Flip): Buffer {
  const bytes = Buffer.from(image);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  return bytes;
}

/** Whether the check before LMDB's opening lets a file through; it must not write to the others. */
async function passes(path: string, bytes: Buffer): Promise<boolean> {
  writeFileSync(path, bytes);
  try {
    await checkLmdbFile({ path, nextTurn: async () => {} });
    return true;
  } catch (error) {
    assert.ok(error instanceof RaftError, String(error));
    assert.equal(error.code, "ERR_STORE_CORRUPT");
    assert.ok(readFileSync(path).equals(bytes), "a file that is refused stays as it is");
    return false;
  }
}

/** Opens each image in another process. Returns what it found, or how the process ended. */
function inspect(dir: string, images: readonly Buffer[]): (Inspected | string)[] {
  const dirs = images.map((bytes, number) => {
    const place = join(dir, `image-${number}`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "data.mdb"), bytes);
    return place;
  });
  const found: (Inspected | string)[] = [];
  while (found.length < dirs.length) {
    const options: InspectorOptions = {
      dirs: dirs.slice(found.length),
      kind: "lmdb",
      durability: "none",
    };
    const child = spawnSync(process.execPath, [inspector, JSON.stringify(options)], {
      encoding: "utf8",
      timeout: 120_000,
    });
    for (const line of child.stdout.split("\n")) if (line !== "") found.push(JSON.parse(line));
    if (found.length < dirs.length) found.push(`ended by ${child.signal ?? child.status}`);
  }
  for (const place of dirs) {
    const { size } = statSync(join(place, "data.mdb"));
    assert.ok(size <= (images[0]?.length ?? 0) + growthBytesMax, `${place} has ${size} bytes`);
  }
  return found;
}

/**
 * Why what was found is neither the sound state nor a refusal; undefined where it is one. Damage
 * inside a record's payload is told of one group, and the others are as they were.
 */
function faultOf(found: Inspected | string, sound: Inspected): string | undefined {
  if (typeof found === "string") return found;
  const { state, stateAfterCommit, groups } = found;
  if (state.includes("Cannot trust the") || state.includes("this program knows")) return undefined;
  const damaged = Object.values(groups).filter((group) => group === damagedState).length;
  const whole = Object.entries(sound.groups).every(([group, text]) =>
    [text, damagedState].includes(groups[Number(group)] ?? ""),
  );
  const same = state === sound.state || damaged === 1;
  if (same && whole && state === stateAfterCommit) return undefined;
  return `opened as ${state}, then ${stateAfterCommit}, with ${damaged} groups damaged`;
}

async function findUnnoticed(dir: string, image: Buffer, flips: readonly Flip[]): Promise<Flip[]> {
  const path = join(dir, "flipped");
  const unnoticed: Flip[] = [];
  for (const flip of flips) if (await passes(path, flipped(image, flip))) unnoticed.push(flip);
  return unnoticed;
}

function checkOpened(dir: string, image: Buffer, flips: readonly Flip[]): void {
  const [whole] = inspect(dir, [image]);
  assert.ok(typeof whole === "object" && whole.state === whole.stateAfterCommit);
  for (let from = 0; from < flips.length; from += batchSize) {
    const batch = flips.slice(from, from + batchSize);
    const found = inspect(
      dir,
      batch.map((flip) => flipped(image, flip)),
    );
    batch.forEach(({ at, bit }, number) => {
      const fault = faultOf(found[number] ?? "nothing", whole);
      const where = `page ${Math.floor(at / pageBytes)}, byte ${at % pageBytes}, bit ${bit}`;
      assert.equal(fault, undefined, where);
    });
  }
}

function drawn<T>(prng: Prng, from: readonly T[], count: number): T[] {
  if (count >= from.length) return [...from];
  return Array.from({ length: count }, () => from[prng.between(0, from.length)]).filter(
    (item) => item !== undefined,
  );
}

test("each flipped bit of a meta page is told, or changes nothing", async (t) => {
  const prng = seededPrng(t, "durability/lmdb-damage");
  await withDir(async (dir) => {
    const image = await makeImage(dir);
    const flips = [0, 1].flatMap((page) =>
      Array.from({ length: metaBytes * 8 }, (_, bit) => ({
        at: page * pageBytes + Math.floor(bit / 8),
        bit: bit % 8,
      })),
    );
    const drawnFlips = drawn(prng, flips, roundsOf(200));
    const unnoticed = await findUnnoticed(dir, image, drawnFlips);
    t.diagnostic(`${unnoticed.length} of ${drawnFlips.length} are let through`);
    checkOpened(dir, image, drawn(prng, unnoticed, opensDrawn));
  });
});

test("each flipped bit behind the meta pages is told, or changes nothing", async (t) => {
  const prng = seededPrng(t, "durability/lmdb-damage");
  await withDir(async (dir) => {
    const image = await makeImage(dir);
    const end = (metasOf(image).newer.lastPage + 1) * pageBytes;
    const flips = Array.from({ length: Math.min(flipsDrawn, (end - 2 * pageBytes) * 8) }, () => {
      const page = prng.between(2, end / pageBytes);
      const at = prng.between(0, prng.chance(0.7) ? 64 : pageBytes);
      return { at: page * pageBytes + at, bit: prng.between(0, 8) };
    });
    const unnoticed = await findUnnoticed(dir, image, flips);
    t.diagnostic(`${unnoticed.length} of ${flips.length} are let through`);
    checkOpened(dir, image, drawn(prng, unnoticed, opensDrawn));
  });
});
