import { describeMessage } from "../../../src/raft/index.ts";
import type { Command } from "../command.ts";

/** Shows what is in flight. */
export const network: Command = {
  name: "network",
  usage: "network [from=1] [to=2] [kind=voteRequest]",
  run(scene, args) {
    const shown = scene.group.network.filter((message) => args.matches(message));
    return shown.length === 0 ? "empty" : shown.map(describeMessage).join("\n");
  },
};
