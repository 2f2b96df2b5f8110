import type { Command } from "../command.ts";

/** Whatever was not durable is gone, but for the oldest `kept` writes. */
export const crash: Command = {
  name: "crash",
  usage: "crash NODE [kept=0]",
  run(scene, args) {
    scene.group.replica(args.number(0)).crash(args.setting("kept", 0));
    return "";
  },
};
