/** Processes and clocks: starts, crashes, pauses. */
import { during, nodeOf } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const processVerbs: readonly Verb[] = [
  {
    name: "wait",
    usage: "wait   (nothing: the run lasts until then)",
    run: () => {},
  },
  {
    name: "boot",
    usage: "boot NODE",
    run: (world, line) => nodeOf(world, line).boot(),
  },
  {
    name: "crash",
    usage: "crash NODE [power] [writing] [for=US]   (writing: during its next commit)",
    run: (world, line) => {
      const node = nodeOf(world, line);
      if (line.text("for") !== undefined) during(world, line, () => node.boot());
      if (!node.up) return;
      if (line.flag("writing")) {
        node.crashAtWrite(line.flag("power"));
        return;
      }
      const opening = node.serves ? "" : ", while it opens";
      world.tally.fault(line.flag("power") ? `power cut${opening}` : `kill${opening}`);
      node.crash(line.flag("power"));
    },
  },
  {
    name: "close",
    usage: "close NODE [for=US]   (hands over what it leads)",
    run: (world, line) => {
      const node = nodeOf(world, line);
      if (node.up) world.tally.fault("node closed");
      node.close();
      if (line.text("for") === undefined) return;
      during(world, line, () => {
        // It may still be closing.
        node.crash(false);
        node.boot();
      });
    },
  },
  {
    name: "crash-all",
    usage: "crash-all [power] for=US",
    run: (world, line) => {
      world.tally.fault("all nodes down at once");
      for (const node of world.byId.values()) node.crash(line.flag("power"));
      during(world, line, () => {
        for (const node of world.byId.values()) node.boot();
      });
    },
  },
  {
    name: "crash-shard",
    usage: "crash-shard NODE SHARD",
    run: (world, line) => {
      const node = nodeOf(world, line);
      if (node.slotAt(line.number(1)) !== undefined) world.tally.fault("one shard crashed");
      node.crashShard(line.number(1));
    },
  },
  {
    name: "pause",
    usage: "pause NODE for=US",
    run: (world, line) => {
      const node = nodeOf(world, line);
      if (node.up) world.tally.fault("process paused");
      for (const slot of node.slots) slot.hold(world.agenda.nowUs + line.setting("for"));
    },
  },
  {
    name: "stall-shard",
    usage: "stall-shard NODE SHARD for=US",
    run: (world, line) => {
      const slot = nodeOf(world, line).slotAt(line.number(1));
      if (slot !== undefined) world.tally.fault("one shard's loop stalled");
      slot?.hold(world.agenda.nowUs + line.setting("for"));
    },
  },
  {
    name: "stall-engine",
    usage: "stall-engine NODE for=US   (its main thread reads no answers)",
    run: (world, line) => {
      const node = nodeOf(world, line);
      if (node.up) world.tally.fault("engine's thread stalled");
      const untilUs = world.agenda.nowUs + line.setting("for");
      for (const slot of node.slots) slot.stallEngine(untilUs);
    },
  },
  {
    name: "clock",
    usage: "clock NODE step=US",
    run: (world, line) => {
      world.tally.fault("wall clock set");
      nodeOf(world, line).clock.step(line.setting("step"));
    },
  },
];
