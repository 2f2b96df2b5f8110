/**
 * The bench suite's command line:
 *
 *     npm run bench -- NAME [options] [--json] [--save FILE]
 *     npm run bench -- compare A B
 *     npm run bench -- report FILE... [--out FILE] [--svg DIR]
 */
import { Command } from "commander";
import pc from "picocolors";
import { messageOf } from "../src/base/index.ts";
import { benchmarks } from "./benchmarks.ts";
import { reportCommand } from "./commands/report.ts";
import { benchmarkCommand } from "./lib/benchmark-command.ts";
import { compareCommand } from "./lib/compare-command.ts";
import { Interrupted } from "./lib/temporary-directory.ts";

const program = new Command("bench")
  .description("Measures flotilla, and what it can be measured against, on this machine")
  .showHelpAfterError("(--help lists what there is)");
for (const benchmark of benchmarks) program.addCommand(benchmarkCommand(benchmark));
program.addCommand(compareCommand());
program.addCommand(reportCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${pc.red(messageOf(error))}\n`);
  process.exitCode = error instanceof Interrupted ? 130 : 1;
}
