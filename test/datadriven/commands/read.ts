import type { Command } from "../command.ts";

export const read: Command = {
  name: "read",
  usage: "read NODE TICKET",
  run(scene, args) {
    const accepted = scene.group.replica(args.number(0)).live.requestRead(args.number(1));
    return accepted ? "" : "not the leader";
  },
};
