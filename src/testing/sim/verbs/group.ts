/** Groups: created, stopped, started; elections on request. */
import type { GroupId } from "../../../base/index.ts";
import type { ControlCall } from "../../../shard/index.ts";
import type { Line } from "../script.ts";
import type { World } from "../world.ts";
import { nodeOf } from "./verb.ts";
import type { Verb } from "./verb.ts";

function control(world: World, line: Line, request: (group: GroupId) => ControlCall): void {
  const group = line.number(1);
  const slot = nodeOf(world, line).slotOf(group);
  if (slot?.isOpen !== true) return;
  const call = request(group);
  slot.client.control(call, (answer) => {
    const outcome = answer.kind === "failed" ? answer.error.code : "done";
    world.tally.count(`${call.kind}: ${outcome}`);
  });
}

export const groupVerbs: readonly Verb[] = [
  {
    name: "create",
    usage: "create NODE GROUP members=a,b,c [timeout=MS]",
    run: (world, line) => {
      const members = line.list("members");
      const timeoutMs = line.setting("timeout", 5_000);
      control(world, line, (group) => {
        world.members.set(group, members);
        return { kind: "createGroup", group, members, timeoutMs, campaign: true };
      });
    },
  },
  {
    name: "stop",
    usage: "stop NODE GROUP",
    run: (world, line) => control(world, line, (group) => ({ kind: "stopGroup", group })),
  },
  {
    name: "start",
    usage: "start NODE GROUP",
    run: (world, line) => control(world, line, (group) => ({ kind: "startGroup", group })),
  },
  {
    name: "campaign",
    usage: "campaign NODE GROUP [force]",
    run: (world, line) => {
      const force = line.flag("force");
      control(world, line, (group) => ({ kind: "campaign", group, force }));
    },
  },
  {
    name: "resign",
    usage: "resign NODE GROUP",
    run: (world, line) => control(world, line, (group) => ({ kind: "resign", group })),
  },
];
