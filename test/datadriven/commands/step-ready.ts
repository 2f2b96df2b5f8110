import type { Command } from "../command.ts";
import { showReady } from "../scene.ts";

/** One turn of a replica's shard: take a Ready, send what may leave at once, and, unless told otherwise, wait for the disk. */
export const stepReady: Command = {
  name: "step-ready",
  usage: "step-ready NODE [pending] [gate=2,3]",
  run(scene, args) {
    const id = args.number(0);
    const { group } = scene;
    const gate = args.list("gate");
    const ready = group.takeReady(
      id,
      gate === undefined ? undefined : (peer) => gate.includes(peer),
    );
    if (ready === undefined) return "nothing to do";
    const text = showReady(id, ready);
    if (args.flag("pending")) return text;
    while (group.persist(id) !== undefined);
    group.replica(id).apply();
    return text;
  },
};
