import { describeRaft } from "../../../src/raft/index.ts";
import type { Command } from "../command.ts";

export const status: Command = {
  name: "status",
  usage: "status [NODE...]",
  run(scene, args) {
    const { group } = scene;
    const ids = args.words.length === 0 ? [...group.replicas.keys()] : args.words.map(Number);
    return ids
      .map((id) => {
        const { raft } = group.replica(id);
        return raft === undefined ? `${id} crashed` : describeRaft(raft);
      })
      .join("\n");
  },
};
