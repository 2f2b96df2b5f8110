import type { Command } from "../command.ts";

/** How many ticks above the lower bound a replica draws its next election deadlines. */
export const setTimeout: Command = {
  name: "set-timeout",
  usage: "set-timeout NODE TICKS",
  run(scene, args) {
    scene.jitters.set(args.number(0), args.number(1));
    return "";
  },
};
