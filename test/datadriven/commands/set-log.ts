import { blockKind, encodeEntries } from "../../../src/raft/index.ts";
import type { Block } from "../../../src/raft/index.ts";
import type { Command } from "../command.ts";
import { checksumOf } from "../simulated-disk.ts";

/** Restarts a replica on a disk written by hand: one entry for each digit of `terms`. */
export const setLog: Command = {
  name: "set-log",
  usage: "set-log NODE terms=11445 [term=5] [vote=0] [commit=0]",
  run(scene, args) {
    const replica = scene.group.replica(args.number(0));
    const terms = (args.text("terms") ?? "").split("").map(Number);
    replica.crash();
    replica.disk.format({
      term: args.setting("term", terms.at(-1) ?? 0),
      vote: args.setting("vote", 0),
      commit: args.setting("commit", 0),
      blocks: terms.map(entryOf),
    });
    replica.start();
    return "";
  },
};

function entryOf(term: number, at: number): Block {
  // Log matching: entries of the same index and term are the same everywhere.
  const bytes = encodeEntries([Buffer.from(`${at + 1}@${term}`)]);
  const checksum = checksumOf(bytes);
  return { first: at + 1, term, kind: blockKind.command, count: 1, timeMs: 0, checksum, bytes };
}
