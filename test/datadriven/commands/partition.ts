import type { Command } from "../command.ts";

export const partition: Command = {
  name: "partition",
  usage: "partition 1 2,3",
  run(scene, args) {
    scene.group.partition(...args.words.map((side) => side.split(",").map(Number)));
    return "";
  },
};
