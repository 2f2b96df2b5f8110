import { nobody } from "../../../src/base/index.ts";
import type { Command } from "../command.ts";

export const handOver: Command = {
  name: "hand-over",
  usage: "hand-over NODE [to=2]",
  run(scene, args) {
    const { live } = scene.group.replica(args.number(0));
    const successor = live.handOver(() => true, args.setting("to", nobody));
    scene.group.check();
    return successor === nobody ? "to nobody" : `to ${successor}`;
  },
};
