import type { Command } from "../command.ts";

export const heal: Command = {
  name: "heal",
  usage: "heal",
  run(scene) {
    scene.group.heal();
    return "";
  },
};
