import type { Command } from "../command.ts";

export const tick: Command = {
  name: "tick",
  usage: "tick NODE [COUNT] | tick all [COUNT]",
  run(scene, args) {
    const count = args.words.length > 1 ? args.number(1) : 1;
    const { group } = scene;
    const ids = args.words[0] === "all" ? group.running.map(({ id }) => id) : [args.number(0)];
    for (const id of ids) group.tick(id, count);
    return "";
  },
};
