import type { Command } from "../command.ts";
import { showReady } from "../scene.ts";

export const stabilize: Command = {
  name: "stabilize",
  usage: "stabilize [NODE...] [quiet]",
  run(scene, args) {
    const words = args.words.filter((word) => word !== "quiet");
    const ids = words.length === 0 ? [...scene.group.replicas.keys()] : words.map(Number);
    const seen: string[] = [];
    scene.group.stabilize(ids, (id, ready) => seen.push(showReady(id, ready)));
    return args.flag("quiet") ? "" : seen.filter((text) => text !== "").join("\n");
  },
};
