#!/usr/bin/env node
/** The command line: `flotilla demo`. */
import { Command } from "commander";
import { demoProgram } from "./index.ts";

const program = new Command("flotilla")
  .description("An embeddable multi-group Raft engine for Node.js")
  .addCommand(demoProgram());

await program.parseAsync();
