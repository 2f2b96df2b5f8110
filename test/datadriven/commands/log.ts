import { describeBlocks } from "../../../src/raft/index.ts";
import type { Command } from "../command.ts";

export const log: Command = {
  name: "log",
  usage: "log [NODE...]",
  run(scene, args) {
    const { group } = scene;
    const ids = args.words.length === 0 ? [...group.replicas.keys()] : args.words.map(Number);
    return ids
      .map((id) => {
        const { live, terms } = group.replica(id);
        const tail = live.state.log.blocksFrom(1, Number.MAX_SAFE_INTEGER);
        return `${id} commit:${live.state.log.committed} terms:${terms.join("")} first:${describeBlocks(tail.slice(0, 1))}`;
      })
      .join("\n");
  },
};
