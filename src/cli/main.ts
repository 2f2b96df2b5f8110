#!/usr/bin/env node
/** The command line: `flotilla demo`, `flotilla check-history`. */
import { Command } from "commander";
import { checkHistoryProgram, demoProgram } from "./index.ts";

const program = new Command("flotilla")
  .description("An embeddable multi-group Raft engine for Node.js")
  .addCommand(demoProgram())
  .addCommand(checkHistoryProgram());

await program.parseAsync();
