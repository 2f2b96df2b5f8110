import type { Command } from "../command.ts";

export const campaign: Command = {
  name: "campaign",
  usage: "campaign NODE [force]",
  run(scene, args) {
    const { live } = scene.group.replica(args.number(0));
    const campaigns = live.campaign(args.flag("force"));
    scene.group.check();
    return campaigns ? "" : "does not campaign";
  },
};
