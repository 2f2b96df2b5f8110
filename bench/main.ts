/**
 * The bench suite's command line:
 *
 *     npm run bench -- NAME [options] [--json] [--save FILE]
 *     npm run bench -- compare A B
 *     npm run bench -- report FILE... [--out FILE] [--svg DIR]
 */
import { Command } from "commander";
import { exitCodes, packageVersion, runProgram } from "../src/cli/index.ts";
import { benchmarks } from "./benchmarks.ts";
import { reportCommand } from "./commands/report.ts";
import { benchmarkCommand } from "./lib/benchmark-command.ts";
import { compareCommand } from "./lib/compare-command.ts";

const program = new Command("bench")
  .description("Measures flotilla, and what it can be measured against, on this machine")
  .version(packageVersion(), "-V, --version")
  .showHelpAfterError("(--help lists what there is)");
for (const benchmark of benchmarks) program.addCommand(benchmarkCommand(benchmark));
program.addCommand(compareCommand());
program.addCommand(reportCommand());

await runProgram(program, exitCodes.violation);
