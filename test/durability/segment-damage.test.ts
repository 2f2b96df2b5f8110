/**
 * Damage to segments is noticed or harmless: each byte that a small log has written is flipped in
 * turn, each sector lost. A store that was killed has nobody who vouches for its last commit: there
 * a flipped byte is noticed all the same, since a torn write leaves zeros where it wrote nothing.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng, RaftError } from "../../src/base/index.ts";
import type { LogStore } from "../../src/log/index.ts";
import { makeBlock } from "../../src/testing/index.ts";
import { DiskFaults } from "../../src/testing/sim/disk-faults.ts";
import { SegmentContents } from "../../src/testing/sim/segment-contents.ts";
import { SegmentProcess } from "../../src/testing/sim/segment-process.ts";
import { SimulatedSegmentStore } from "../../src/testing/sim/simulated-segment-store.ts";
import { Tally } from "../../src/testing/sim/tally.ts";
import { testIdentity } from "../fixtures/store-places.ts";
import { damagedState } from "./store-model.ts";

const segmentBytes = 16_384;
const blockBytes = 4_096;
const sectorBytes = 512;
const commits = 5;
const groups = [1, 2];

function openOn(contents: SegmentContents): { store: LogStore; process: SegmentProcess } {
  const process = new SegmentProcess({
    identity: testIdentity,
    durability: "strict",
    host: { prng: new Prng(1), after: (_us, task) => queueMicrotask(task) },
    watcher: { written: () => {}, durable: () => {}, crashed: () => {} },
    contents,
    faults: new DiskFaults(),
    tally: new Tally(),
  });
  return { store: new SimulatedSegmentStore(process, segmentBytes), process };
}

/** A log of a few commits, some of several sectors, in more than one segment. */
async function makeLog(end: "closed" | "killed"): Promise<SegmentContents> {
  const contents = new SegmentContents();
  const { store, process } = openOn(contents);
  await store.open();
  for (let first = 1; first <= commits; first += 1) {
    const members = [{ node: "a", incarnation: 1 }];
    const bytesOf = (group: number): Buffer =>
      Buffer.alloc(first === 3 && group === 1 ? 700 : 20, `entry ${first}`);
    await store.commit({
      changes: groups.map((group) => ({
        group,
        commit: first - 1,
        ballot: undefined,
        blocks: [makeBlock(first, 1, [bytesOf(group)])],
      })),
      descriptors: groups.map((group) => ({
        group,
        members,
        state: "running",
        reason: `${first}`,
      })),
      removed: [],
    });
  }
  if (end === "closed") await store.close();
  process.kill();
  return contents;
}

/** What a store says of each of its groups, or the code with which it refuses. */
async function stateOf(contents: SegmentContents): Promise<string[]> {
  const { store, process } = openOn(contents);
  try {
    const recovered = await store.open();
    return recovered.map((found) => {
      if (found.damage !== undefined) return damagedState;
      const { group } = found.descriptor;
      const entries = Array.from({ length: found.lastIndex }, (_, at) =>
        Buffer.from(store.read(group, at + 1, 1)[0]?.bytes ?? []).toString(),
      );
      return JSON.stringify({ found, entries });
    });
  } catch (error) {
    assert.ok(error instanceof RaftError, String(error));
    return [error.code];
  } finally {
    process.kill();
  }
}

const refusals = ["ERR_STORE_CORRUPT", "ERR_DATA_DIR_VERSION"];

interface Findings {
  /** Where a harm made a difference that nobody told. */
  readonly unnoticed: string[];
  /** Harms that had the whole store refused. */
  noticed: number;
  /** Harms that damaged so many groups, and left the others as they were. */
  readonly damaged: number[];
}

/** Harms a log in one place after another. */
async function findUnnoticed(contents: SegmentContents, harms: readonly Harm[]): Promise<Findings> {
  const image = contents.image();
  const sound = await stateOf(contents);
  assert.ok(sound.every((state) => state.includes(`entry ${commits}`)));
  const findings: Findings = { unnoticed: [], noticed: 0, damaged: groups.map(() => 0) };
  for (const harm of harms) {
    image.restore();
    const place = harm(contents);
    const states = await stateOf(contents);
    const damaged = states.filter((state) => state === damagedState).length;
    const told = sound.every((state, at) => [state, damagedState].includes(states[at] ?? ""));
    if (refusals.includes(states[0] ?? "")) findings.noticed += 1;
    else if (!told) findings.unnoticed.push(`${place}: ${states.join(" ")}`);
    else if (damaged > 0) findings.damaged[damaged - 1] = (findings.damaged[damaged - 1] ?? 0) + 1;
  }
  return findings;
}

type Harm = (contents: SegmentContents) => string;

function flipsOf(contents: SegmentContents): Harm[] {
  return contents.segments().flatMap((segment) =>
    [...contents.visible(segment).entries()]
      // Of zeros some: of most of them nothing can come.
      .filter(([at, byte]) => byte !== 0 || at % 61 === 0)
      .map(([at]) => (harmed: SegmentContents): string => {
        const bytes = harmed.visible(segment);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
        return `byte ${at} of segment ${segment}`;
      }),
  );
}

function lossesOf(contents: SegmentContents, lostBytes: number): Harm[] {
  return contents.segments().flatMap((segment) => {
    const bytes = contents.visible(segment);
    const places = Array.from({ length: bytes.length / lostBytes }, (_, at) => at * lostBytes);
    return places
      .filter((at) => bytes.subarray(at, at + lostBytes).some((byte) => byte !== 0))
      .map((at) => (harmed: SegmentContents): string => {
        harmed.visible(segment).fill(0, at, at + lostBytes);
        return `${lostBytes} bytes at ${at} of segment ${segment}`;
      });
  });
}

for (const end of ["closed", "killed"] as const) {
  test(`each flipped byte of a log that was ${end} is noticed, or one group's damage, or harmless`, async () => {
    const contents = await makeLog(end);
    assert.ok(contents.segments().length > 1);
    const { unnoticed, noticed, damaged } = await findUnnoticed(contents, flipsOf(contents));
    assert.deepEqual(unnoticed, []);
    assert.ok(noticed > 500, `${noticed} noticed`);
    const [one = 0, both = 0] = damaged;
    assert.ok(one > 500, `${one} damaged one group`);
    assert.equal(both, 0, "a byte is one group's");
  });
}

test("damage inside the newest commits of a killed log is one group's, though nobody vouches for them", async () => {
  const contents = await makeLog("killed");
  const image = contents.image();
  for (const commit of [commits - 1, commits]) {
    image.restore();
    const places = contents.segments().map((segment) => {
      const bytes = Buffer.from(contents.visible(segment).buffer);
      return { bytes, at: bytes.lastIndexOf(`entry ${commit}`) };
    });
    const { bytes, at } = places.find((place) => place.at !== -1) ?? assert.fail("it is there");
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const states = await stateOf(contents);
    assert.equal(states[1], damagedState);
    assert.ok(states[0]?.includes(`entry ${commits}`), states[0]);
  }
});

test("each sector and block that a log loses after it was closed is noticed or harmless", async () => {
  for (const lostBytes of [sectorBytes, blockBytes]) {
    const contents = await makeLog("closed");
    const { unnoticed, noticed } = await findUnnoticed(contents, lossesOf(contents, lostBytes));
    assert.deepEqual(unnoticed, []);
    assert.ok(noticed >= commits, `${noticed} noticed`);
  }
});

test("a killed log that loses a sector misses its last commit at the most", async () => {
  const contents = await makeLog("killed");
  const { unnoticed } = await findUnnoticed(contents, lossesOf(contents, sectorBytes));
  assert.ok(unnoticed.length > 0, "its disk lied, and there is nobody to say so");
  for (const state of unnoticed) assert.ok(state.includes(`entry ${commits - 1}`), state);
});
