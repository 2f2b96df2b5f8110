#!/usr/bin/env node
/** The command line: `flotilla demo`, `flotilla check-history`. */
import { Command } from "commander";
import {
  checkHistoryProgram,
  demoProgram,
  exitCodes,
  packageVersion,
  runProgram,
} from "./index.ts";

const program = new Command("flotilla")
  .description(
    "An embeddable multi-group Raft engine for Node.js. Exit codes: 1 a check does not hold, " +
      "2 wrong usage, 3 no verdict, 130 ended by a signal.",
  )
  .version(packageVersion(), "-V, --version")
  .addCommand(demoProgram())
  .addCommand(checkHistoryProgram());

await runProgram(program, exitCodes.undecided);
