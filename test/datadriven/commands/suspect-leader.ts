import type { Command } from "../command.ts";

export const suspectLeader: Command = {
  name: "suspect-leader",
  usage: "suspect-leader NODE LEADER",
  run(scene, args) {
    scene.group.replica(args.number(0)).live.suspectLeader(args.number(1));
    return "";
  },
};
