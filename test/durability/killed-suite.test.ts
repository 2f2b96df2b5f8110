/**
 * The conformance suite of log stores, in processes that are killed at any of their writes and
 * flushes, or at any moment: what each case had been promised is there afterwards, and nothing but
 * a state that its batches make.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Prng } from "../../src/base/index.ts";
import { MemoryDisk, MemoryStore } from "../../src/log/index.ts";
import { makeTempDir } from "../fixtures/store-places.ts";
import { roundsOf, seededPrng } from "../integration/random-seed.ts";
import { whyNotBuildable } from "../native/build.ts";
import { FailingDisk } from "../native/failing-disk.ts";
import { skipWithout } from "../native/skip-without.ts";
import type { Inspected, InspectorOptions } from "./store-inspector.ts";
import { StoreModel } from "./store-model.ts";
import { watchedSuite } from "./suite-runner.ts";
import type { RunnerOptions } from "./suite-runner.ts";
import { durableKinds } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

/** A process each. */
const killsAtCalls = roundsOf(6);
const killsAtMoments = roundsOf(4);
/** A run of the whole suite takes seconds: each process runs a few of its cases. */
const casesOfProcess = 4;
/** Writes and flushes of so many cases, most of the time. */
const callsMax = 120;
/** Which of its states is reached is a matter of time, and no model can tell it. */
const racing =
  "a commit that is in flight while another store is opened is found by it, or rejected";
const script = (name: string): string => new URL(`./${name}.js`, import.meta.url).pathname;

interface Run {
  readonly dir: string;
  readonly story: string;
  /** Everything that the process has said before it was gone. */
  readonly said: string;
}

/** By case: the states that its commits make one after another, beginning with the empty store. */
async function statesOfCases(): Promise<(readonly string[])[]> {
  const cases: string[][] = [];
  let disk = new MemoryDisk();
  let model = new StoreModel();
  let states: string[] = [];
  const suite = watchedSuite(
    () => new MemoryStore({ disk }),
    (batch, done) => {
      const at = states.push("") - 1;
      // Before the caller may change the batch. What the store refuses leaves the state as it was.
      const bytesCopied = structuredClone(batch);
      done.then(
        () => {
          states[at] = model.apply(bytesCopied);
        },
        () => {
          states[at] = model.digest();
        },
      );
    },
  );
  for (const { name, run } of suite) {
    if (name === racing) {
      cases.push([]);
      continue;
    }
    disk = new MemoryDisk();
    model = new StoreModel();
    states = [model.digest()];
    cases.push(states);
    await run();
  }
  return cases;
}

/** Compares one killed process's stores with what it was promised and what its cases can make. */
function findFaults(
  runs: readonly Run[],
  store: Omit<TrialStore, "dir">,
  cases: readonly (readonly string[])[],
): string[] {
  const expected = runs.flatMap(({ dir, story, said }) => {
    const begun = [...said.matchAll(/^case (\d+)\n/gm)].map((match) => Number(match[1]));
    return begun.map((at) => {
      const acks = [...said.matchAll(new RegExp(`^ack ${at} (\\d+)\\n`, "gm"))];
      const acknowledged = Number(acks.at(-1)?.[1] ?? 0);
      return { dir: join(dir, `${at}`), story: `${story}, case ${at}`, at, acknowledged };
    });
  });
  const options: InspectorOptions = { dirs: expected.map(({ dir }) => dir), ...store };
  const child = spawnSync(process.execPath, [script("store-inspector"), JSON.stringify(options)], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  const lines = child.stdout.split("\n").filter((line) => line !== "");
  return expected.flatMap(({ story, at, acknowledged }, number) => {
    const line = lines[number];
    if (line === undefined) return [`${story}: the inspector ended: ${child.stderr}`];
    const { state, stateAfterCommit }: Inspected = JSON.parse(line);
    const reached = cases[at]?.lastIndexOf(state) ?? -1;
    if (reached < 0) return [`${story}: no state of the case: ${state}`];
    if (reached < acknowledged) return [`${story}: ${acknowledged} promised, ${reached} there`];
    return state === stateAfterCommit ? [] : [`${story}: differs after one more commit`];
  });
}

function drawCases(prng: Prng, cases: readonly (readonly string[])[]): number[] {
  const rest = cases.flatMap((states, at) => (states.length > 0 ? [at] : []));
  return Array.from({ length: casesOfProcess }, () =>
    rest.splice(prng.between(0, rest.length), 1),
  ).flat();
}

/** Runs a process to its end, or until it has said `linesMax` lines; returns what it has said. */
async function runUntil(
  options: RunnerOptions,
  linesMax: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ said: string; signal: NodeJS.Signals | null }> {
  const child = spawn(process.execPath, [script("suite-runner"), JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  let said = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    said += text;
    if (said.split("\n").length > linesMax) child.kill("SIGKILL");
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, by) => {
      if (code === null || code === 0) resolve(by);
      else reject(new Error(`a case failed, after: ${said}`));
    });
  });
  return { said, signal };
}

type KillProcess = (options: RunnerOptions, prng: Prng) => Promise<Omit<Run, "dir">>;

interface Kills {
  readonly store: Omit<TrialStore, "dir">;
  /** Where the processes' folders are. */
  readonly root: string;
  readonly count: number;
  readonly kill: KillProcess;
}

/** Worked out once for all tests. */
const expectedStates = statesOfCases();

async function checkKills(t: TestContext, { store, root, count, kill }: Kills): Promise<void> {
  const prng = seededPrng(t, "killed-suite");
  const cases = await expectedStates;
  const runs: Run[] = [];
  for (let number = 1; number <= count; number += 1) {
    const dir = join(root, `${number}`);
    const options = { dir, ...store, cases: drawCases(prng, cases) };
    runs.push({ dir, ...(await kill(options, prng)) });
  }
  assert.deepEqual(findFaults(runs, store, cases), []);
}

for (const store of durableKinds) {
  const name = `${store.kind} ${store.durability}`;
  test(`the suite's cases, killed at any write or flush, keep what ${name} commits promised`, async (t) => {
    if (skipWithout(t, whyNotBuildable())) return;
    using disk = new FailingDisk();
    const kill: KillProcess = async (options, prng) => {
      const at = prng.between(1, callsMax);
      disk.fail({ action: "kill", kind: "any", first: at });
      const { said, signal } = await runUntil(options, Number.POSITIVE_INFINITY, disk.environment);
      // These cases may need fewer calls; then the process has ended by itself.
      assert.ok(signal === "SIGKILL" || /^ended$/m.test(said), `${signal}`);
      return { said, story: `killed at call ${at}` };
    };
    await checkKills(t, { store, root: disk.dir, count: killsAtCalls, kill });
  });

  test(`the suite's cases, killed at any moment, keep what ${name} commits promised`, async (t) => {
    const root = makeTempDir();
    try {
      const kill: KillProcess = async (options, prng) => {
        const lines = prng.between(1, 40);
        return { ...(await runUntil(options, lines)), story: `killed after line ${lines}` };
      };
      await checkKills(t, { store, root, count: killsAtMoments, kill });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
}
