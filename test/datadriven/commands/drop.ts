import { describeMessage } from "../../../src/raft/index.ts";
import type { Command } from "../command.ts";

export const drop: Command = {
  name: "drop",
  usage: "drop [from=1] [to=2] [kind=appendRequest] [term=2] [count=1]",
  run(scene, args) {
    const count = args.setting("count", Number.MAX_SAFE_INTEGER);
    const lost = scene.group.take((message) => args.matches(message), count);
    if (lost.length === 0) return "nothing to drop";
    return lost.map((message) => `lost ${describeMessage(message)}`).join("\n");
  },
};
