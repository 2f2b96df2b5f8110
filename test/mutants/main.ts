/**
 * Measures what the tests notice: applies each mutant of the catalogue to a copy of the sources and
 * hunts it.
 *
 *   npm run mutants                    all of them
 *   npm run mutants -- --only vote     those whose name contains the text
 *   npm run mutants -- --quick         the few that `npm test` hunts
 *   npm run mutants -- --simulator-only    what the simulator finds without the other tests
 *   npm run mutants -- --list          says what there is, and hunts nothing
 *   npm run mutants -- --json          the last line of the output is one JSON object
 *
 * Ends with 1 where a mutant survives or a seed fails without one, with 2 where the control does.
 */
import { messageOf } from "../../src/base/index.ts";
import { failUsage, parseArguments } from "../parse-arguments.ts";
import { catalogue } from "./catalogue/index.ts";
import { killChildren } from "./child.ts";
import type { Verdict } from "./hunt.ts";
import type { Mutant } from "./mutant.ts";
import { runSafari } from "./safari.ts";
import type { Bag } from "./safari.ts";
import { simulatorPath } from "./simulator.ts";
import { verdictTable } from "./verdict-table.ts";
import { removeWorkspaces } from "./workspace.ts";

const { values } = parseArguments({
  options: {
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    jobs: { type: "string", default: "2" },
    seeds: { type: "string" },
    "control-seeds": { type: "string", default: "20" },
    "timeout-s": { type: "string", default: "600" },
    simulator: { type: "string", default: simulatorPath },
    "simulator-only": { type: "boolean", default: false },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function countOption(name: "jobs" | "seeds" | "control-seeds" | "timeout-s"): number {
  const count = Number(values[name]);
  if (!Number.isSafeInteger(count) || count < 1)
    failUsage(`--${name} "${values[name]}" is no count`);
  return count;
}

// Also where ^C or an error ends the run half-way: neither copies nor tests may stay behind.
process.on("exit", () => {
  killChildren();
  removeWorkspaces();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(130));
}

function report({ verdicts, failing }: Bag): void {
  const named = (outcome: Verdict["outcome"]): string[] =>
    verdicts.filter((verdict) => verdict.outcome === outcome).map(({ name }) => name);
  const killed = named("killed");
  const survived = named("survived");
  const invalid = named("invalid");
  say(`\n${verdictTable(verdicts)}\n`);
  say(`${killed.length} of ${verdicts.length} killed`);
  if (survived.length > 0) say(`survived: ${survived.join(", ")}`);
  if (invalid.length > 0) say(`not to be hunted: ${invalid.join(", ")}`);
  for (const [seed, invariant] of failing) {
    say(`seed ${seed} fails without a mutant: ${invariant}`);
  }
  if (values.json) {
    const failingSeeds = [...failing.keys()];
    const { length: mutants } = verdicts;
    const { length: kills } = killed;
    say(JSON.stringify({ mutants, killed: kills, survived, invalid, failingSeeds, verdicts }));
  }
  if (killed.length < verdicts.length || failing.size > 0) process.exitCode = 1;
}

function list(mutants: readonly Mutant[]): void {
  for (const { name, says } of mutants) say(`${name}\n    ${says}`);
  say(`${mutants.length} mutants`);
}

const chosen = catalogue.filter(
  ({ name, quick, hunt }) =>
    name.includes(values.only) &&
    (!values.quick || quick === true) &&
    (!values["simulator-only"] || hunt?.seeds !== 0),
);
if (chosen.length === 0) failUsage(`no mutant's name contains "${values.only}"`);
if (values.list) {
  list(chosen);
} else {
  try {
    report(
      await runSafari(chosen, {
        jobs: countOption("jobs"),
        seeds: values.seeds === undefined ? undefined : countOption("seeds"),
        controlSeeds: countOption("control-seeds"),
        timeoutMs: countOption("timeout-s") * 1_000,
        simulator: values.simulator,
        simulatorOnly: values["simulator-only"],
        tell: say,
      }),
    );
  } catch (error) {
    failUsage(messageOf(error));
  }
}
