import { describeMessage } from "../../../src/raft/index.ts";
import type { Command } from "../command.ts";

export const deliver: Command = {
  name: "deliver",
  usage: "deliver [from=1] [to=2] [kind=appendRequest] [term=2] [count=1] [quiet]",
  run(scene, args) {
    const { group } = scene;
    const count = args.setting("count", Number.MAX_SAFE_INTEGER);
    const shown = group
      .take((message) => args.matches(message), count)
      .map((message) => {
        const arrived = group.deliver(message);
        return `${arrived ? "" : "lost "}${describeMessage(message)}`;
      });
    if (shown.length === 0) return "nothing to deliver";
    return args.flag("quiet") ? "" : shown.join("\n");
  },
};
