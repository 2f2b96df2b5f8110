/**
 * Runs seeds of the simulator.
 *
 *   npm run sim -- --seeds 1..200 --json     those seeds; one JSON object as the last line
 *   npm run sim -- --seed 42                 one seed
 *   npm run sim -- --minutes 60              new seeds for an hour
 *   npm run sim -- --campaign 2000           so many seeds that follow from the sources: a change
 *                                            is met by other runs than the version before it
 *   npm run sim -- --script FILE             a script, as a failing seed prints it
 *   npm run sim -- --seed 42 --trace         everything that happens, a line each
 *   npm run sim -- --history FILE            with any of these: what the clients saw, as JSON lines
 *
 * Every tenth seed runs twice and must do the same. Exit code 1 where a seed failed, 2 where the
 * command is wrong.
 */
import { readFileSync } from "node:fs";
import { simulate } from "../../src/testing/index.ts";
import type { SimulateOptions, SimulatedRun } from "../../src/testing/index.ts";
import { failUsage, orUsage, parseArguments } from "../parse-arguments.ts";
import { campaignSeed } from "./campaign.ts";
import { HistoryFile } from "./history-file.ts";
import { tellBroken, tellShrunk, tellSummary } from "./tell.ts";

const { values } = parseArguments({
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    minutes: { type: "string" },
    campaign: { type: "string" },
    script: { type: "string" },
    history: { type: "string" },
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    "stop-at-first": { type: "boolean", default: false },
    "shrink-runs": { type: "string", default: "400" },
  },
});

const progressEvery = 50;

function usage(fault: string): never {
  failUsage(`${fault}; the head of test/sim/main.ts shows how to call it`);
}

function integer(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) usage(`--${name} "${text}" is no number`);
  return value;
}

/** The seeds asked for, in order; without end where only time bounds them. */
function* seedsAsked(): Generator<number> {
  if (values.seed !== undefined) {
    yield integer(values.seed, "seed");
    return;
  }
  if (values.seeds !== undefined) {
    const [first = "", last = first] = values.seeds.split("..");
    for (let seed = integer(first, "seeds"); seed <= integer(last, "seeds"); seed += 1) yield seed;
    return;
  }
  if (values.campaign !== undefined) {
    const first = campaignSeed();
    const count = integer(values.campaign, "campaign");
    process.stderr.write(`seeds ${first}..${first + count - 1}\n`);
    for (let seed = first; seed < first + count; seed += 1) yield seed;
    return;
  }
  if (values.minutes === undefined) {
    usage("one of --seeds, --seed, --campaign, --minutes, --script is needed");
  }
  const endMs = Date.now() + Number(values.minutes) * 60_000;
  for (let seed = Date.now() % 0x1_0000_0000; Date.now() < endMs; seed += 1) yield seed;
}

const startedMs = Date.now();
const { history: historyPath, script: scriptPath } = values;
const history =
  historyPath === undefined
    ? undefined
    : orUsage(`--history ${historyPath}`, () => new HistoryFile(historyPath));
const shrinkRunsMax = integer(values["shrink-runs"], "shrink-runs");
let runs = 0;

function onRun({ seed, operations, broken }: SimulatedRun): void {
  runs += 1;
  history?.add(operations);
  if (broken !== undefined) tellBroken(broken, seed);
  if (!values.json && runs % progressEvery === 0) process.stdout.write(`${runs} seeds\n`);
}

const options: SimulateOptions = {
  onRun,
  trace: values.trace ? (line) => process.stdout.write(`${line}\n`) : undefined,
  onFailure: (failure) => {
    if (shrinkRunsMax > 0) tellShrunk(failure);
  },
  shrinkRunsMax,
  failuresMax: values["stop-at-first"] ? 1 : 0xffff_ffff,
  ...(scriptPath === undefined
    ? { seeds: seedsAsked() }
    : { script: orUsage(`--script ${scriptPath}`, () => readFileSync(scriptPath, "utf8")) }),
};

const result = await simulate(options);
history?.close();
tellSummary(result, { seconds: (Date.now() - startedMs) / 1_000, json: values.json });
process.exitCode = result.failures.length > 0 ? 1 : 0;
