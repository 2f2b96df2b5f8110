import { describeRaft } from "../../../src/raft/index.ts";
import type { Command } from "../command.ts";

export const restart: Command = {
  name: "restart",
  usage: "restart NODE",
  run(scene, args) {
    const replica = scene.group.replica(args.number(0));
    if (replica.raft !== undefined) replica.crash();
    replica.start();
    scene.group.check();
    return describeRaft(replica.live);
  },
};
