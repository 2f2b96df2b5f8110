import type { Command } from "../command.ts";

export const propose: Command = {
  name: "propose",
  usage: "propose NODE [count=1] [size=4] [blocks=1]",
  run(scene, args) {
    const replica = scene.group.replica(args.number(0));
    const blocks = args.setting("blocks", 1);
    const answers: string[] = [];
    for (let block = 0; block < blocks; block += 1) {
      const answer = replica.propose(
        scene.nextProposals(args.setting("count", 1), args.setting("size", 4)),
      );
      if (typeof answer === "string") answers.push(answer);
    }
    scene.group.check();
    return answers.join("\n");
  },
};
