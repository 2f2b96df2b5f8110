import { describeMessage } from "../../../src/raft/index.ts";
import type { Command } from "../command.ts";

/** The disk has finished the oldest Ready of a replica that `step-ready NODE pending` left in flight. */
export const persist: Command = {
  name: "persist",
  usage: "persist NODE",
  run(scene, args) {
    const id = args.number(0);
    const ready = scene.group.persist(id);
    if (ready === undefined) return "nothing in flight";
    scene.group.replica(id).apply();
    return ready.durableMessages.map((message) => `sent ${describeMessage(message)}`).join("\n");
  },
};
