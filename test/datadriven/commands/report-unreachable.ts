import type { Command } from "../command.ts";

export const reportUnreachable: Command = {
  name: "report-unreachable",
  usage: "report-unreachable NODE PEER",
  run(scene, args) {
    scene.group.replica(args.number(0)).live.reportUnreachable(args.number(1));
    scene.group.check();
    return "";
  },
};
