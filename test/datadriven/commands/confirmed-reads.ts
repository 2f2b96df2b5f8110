import type { Command } from "../command.ts";
import { showReads } from "../scene.ts";

/** The reads a replica has confirmed since the last look. */
export const confirmedReads: Command = {
  name: "confirmed-reads",
  usage: "confirmed-reads NODE",
  run(scene, args) {
    const replica = scene.group.replica(args.number(0));
    const reads = replica.confirmedReads.splice(0);
    return reads.length === 0 ? "none" : showReads(reads);
  },
};
