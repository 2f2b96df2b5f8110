/**
 * Runs seeds of the simulator.
 *
 *   npm run sim -- --seeds 1..200 --json     those seeds; one JSON object as the last line
 *   npm run sim -- --seed 42                 one seed
 *   npm run sim -- --minutes 60              new seeds for an hour
 *   npm run sim -- --script FILE             a script, as a failing seed prints it
 *   npm run sim -- --history FILE            with any of these: what the clients saw, as JSON lines
 *
 * Every tenth seed runs twice and must do the same. Exit code 1 where a seed failed, 2 where the
 * command is wrong.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { planOf, parseScript, runScript } from "../../src/testing/index.ts";
import type { RunResult, Script } from "../../src/testing/index.ts";
import { HistoryFile } from "./history-file.ts";
import { Campaign } from "./campaign.ts";
import type { Failure } from "./campaign.ts";
import { tellFailure } from "./tell-failure.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    minutes: { type: "string" },
    script: { type: "string" },
    history: { type: "string" },
    json: { type: "boolean", default: false },
    "stop-at-first": { type: "boolean", default: false },
    "shrink-runs": { type: "string", default: "400" },
  },
});

function usage(fault: string): never {
  process.stderr.write(`${fault}; the head of test/sim/main.ts shows how to call it\n`);
  process.exit(2);
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
  if (values.minutes === undefined) usage("one of --seeds, --seed, --minutes, --script is needed");
  for (let seed = Date.now() % 0x1_0000_0000; ; seed += 1) yield seed;
}

const history = values.history === undefined ? undefined : new HistoryFile(values.history);
const campaign = new Campaign(values.json ? undefined : process.stdout);
const shrinkRuns = integer(values["shrink-runs"], "shrink-runs");

async function runOne(script: Script, seed: number | undefined): Promise<RunResult> {
  const result = await runScript(script);
  history?.add(result.operations);
  const failure: Failure | undefined = campaign.take(result, script, seed);
  if (failure !== undefined) await tellFailure(failure, shrinkRuns);
  return result;
}

async function runSeeds(): Promise<void> {
  const endMs =
    values.minutes === undefined
      ? Number.POSITIVE_INFINITY
      : Date.now() + Number(values.minutes) * 60_000;
  let count = 0;
  for (const seed of seedsAsked()) {
    if (Date.now() > endMs) return;
    const script = planOf(seed);
    const result = await runOne(script, seed);
    count += 1;
    if (count % 10 === 0 && result.broken === undefined) {
      const again = await runScript(script);
      if (again.hash !== result.hash) campaign.differs(seed, script);
    }
    if (values["stop-at-first"] && campaign.failures.length > 0) return;
  }
}

if (values.script === undefined) await runSeeds();
else await runOne(parseScript(readFileSync(values.script, "utf8")), undefined);
history?.close();
campaign.tell(values.json);
process.exitCode = campaign.failures.length > 0 ? 1 : 0;
