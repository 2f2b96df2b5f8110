import assert from "node:assert/strict";
import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { measurePeer } from "../../../../bench/peers/measure-peer.ts";
import type { Peer } from "../../../../bench/peers/peer.ts";
import { Progress } from "../../../../src/cli/index.ts";

const loads = [16, 1].map((outstanding) => {
  return { groups: 4, valueBytes: 16, outstanding, warmUpSeconds: 0, seconds: 1 };
});
const progress = new Progress();
progress.phase = () => {};
let dir = "";

before(async () => {
  dir = await mkdtemp(join(tmpdir(), "flotilla-measure-peer-"));
});

after(async () => {
  progress.end();
  await rm(dir, { recursive: true });
});

function peerWith(changes: Partial<Peer>): Peer {
  return {
    name: "other",
    packages: ["other-server", "other-dev"],
    remark: "forgets nothing",
    prepare: () => Promise.resolve("1.2"),
    run: ({ outstanding }) =>
      Promise.resolve({ throughput: outstanding, latenciesUs: [1], cpuMicros: 1 }),
    ...changes,
  };
}

test("measurePeer() has an outcome for each load and the peer's remark once", async () => {
  const { signal } = new AbortController();
  const outcomes = await measurePeer(peerWith({}), loads, { dir, signal, progress });
  assert.deepEqual(
    outcomes.map(({ measured, settings }) => [measured?.perSecond, settings["outstanding"]]),
    [
      [16, 16],
      [1, 1],
    ],
  );
  assert.deepEqual(
    outcomes.map(({ remark }) => remark),
    ["version 1.2: forgets nothing", undefined],
  );
});

test("measurePeer() names the packages of a peer that is not installed", async () => {
  const { signal } = new AbortController();
  const missing = peerWith({ prepare: () => Promise.resolve(undefined) });
  const [outcome, ...others] = await measurePeer(missing, loads, { dir, signal, progress });
  assert.equal(outcome?.remark, "not installed: apt-get install other-server other-dev");
  assert.equal(outcome?.measured, undefined);
  assert.deepEqual(others, []);
});

test("measurePeer() keeps what a peer did before it failed, and no directory", async () => {
  const { signal } = new AbortController();
  const dirs: string[] = [];
  const failing = peerWith({
    async run({ outstanding, dir: own }) {
      await access(own);
      dirs.push(own);
      if (outstanding === 1) throw new Error("it fell over");
      return { throughput: 5, latenciesUs: [1], cpuMicros: 1 };
    },
  });
  const outcomes = await measurePeer(failing, loads, { dir, signal, progress });
  assert.deepEqual(
    outcomes.map(({ measured, remark }) => [measured?.perSecond, remark]),
    [
      [5, "version 1.2: forgets nothing"],
      [undefined, "failed: it fell over"],
    ],
  );
  assert.equal(new Set(dirs).size, 2);
  assert.deepEqual(await readdir(dir), []);
});

test("measurePeer() ends with the run's signal, and tells the peer", async () => {
  const controller = new AbortController();
  const hanging = peerWith({
    run: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("killed")));
        controller.abort(new Error("Ctrl-C"));
      }),
  });
  const { signal } = controller;
  await assert.rejects(measurePeer(hanging, loads, { dir, signal, progress }), /Ctrl-C/);
  assert.deepEqual(await readdir(dir), []);
});
