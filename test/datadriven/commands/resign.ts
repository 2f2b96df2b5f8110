import type { Command } from "../command.ts";

export const resign: Command = {
  name: "resign",
  usage: "resign NODE",
  run(scene, args) {
    const resigned = scene.group.replica(args.number(0)).live.resign();
    return resigned ? "" : "not the leader";
  },
};
