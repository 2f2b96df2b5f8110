import { describeMessage } from "../../../src/raft/index.ts";
import type { Command } from "../command.ts";

/** Puts copies of messages in flight behind everything else in the network. */
export const duplicate: Command = {
  name: "duplicate",
  usage: "duplicate [from=1] [to=2] [kind=voteResponse] [term=2]",
  run(scene, args) {
    const { group } = scene;
    const copies = group.network.filter((message) => args.matches(message));
    group.network.push(...copies);
    return copies.map((message) => `again ${describeMessage(message)}`).join("\n");
  },
};
