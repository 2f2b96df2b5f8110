/**
 * `npm run nettest`: three real nodes on bad wires, for as long as one likes.
 *
 *      npm run nettest -- --minutes 1 --seed 7 --history /tmp/history.jsonl
 *
 * Exits with 1 where the history contradicts linearizability or the replicas differ, with 2 where
 * it cannot run.
 */
import { writeFileSync } from "node:fs";
import { formatOperation } from "../../src/testing/history/index.ts";
import { failUsage, orUsage, parseArguments } from "../parse-arguments.ts";
import { whyNoNetwork } from "./bad-wire.ts";
import { runNetwork } from "./network-run.ts";

const { values } = parseArguments({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    history: { type: "string" },
    groups: { type: "string", default: "6" },
    clients: { type: "string", default: "12" },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function numberOf(name: "minutes" | "seed" | "groups" | "clients"): number {
  const number = Number(values[name]);
  if (Number.isFinite(number) && number > 0) return number;
  return failUsage(`--${name} "${values[name]}" is no number above 0`);
}

const obstacle = whyNoNetwork();
if (obstacle !== undefined) failUsage(obstacle);
const { history: historyPath } = values;
// Better now than after the run, if it cannot be written.
if (historyPath !== undefined) {
  orUsage(`--history ${historyPath}`, () => writeFileSync(historyPath, ""));
}
const seed = numberOf("seed");
const minutes = numberOf("minutes");
say(`seed ${seed}; repeat with: npm run nettest -- --minutes ${minutes} --seed ${seed}`);
const startedMs = performance.now();
const run = await runNetwork({
  seed,
  groups: numberOf("groups"),
  clients: numberOf("clients"),
  goesOn: () => performance.now() - startedMs < minutes * 60_000,
  onFault: (name) => say(`${((performance.now() - startedMs) / 1_000).toFixed(1)} s: ${name}`),
});
const { history, contradictions, undecided, faults, packets, failures } = run;
if (historyPath !== undefined) {
  writeFileSync(historyPath, history.map((one) => `${formatOperation(one)}\n`).join(""));
}
say(JSON.stringify({ operations: history.length, faults, packets, failures }, undefined, 2));
for (const contradiction of contradictions) say(contradiction);
say(`${contradictions.length} contradictions, ${undecided} keys undecided; all replicas agree`);
if (contradictions.length > 0) process.exitCode = 1;
