/** Disks: stalls, errors, lack of space, damage, loss. */
import { during, nodeOf } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const diskVerbs: readonly Verb[] = [
  {
    name: "stall-disk",
    usage: "stall-disk NODE for=US|forever",
    run: (world, line) => {
      const node = nodeOf(world, line);
      world.tally.fault("disk stalled");
      for (const { disk } of node.volumes) disk.stall();
      during(world, line, () => {
        for (const { disk } of node.volumes) disk.resume();
      });
    },
  },
  {
    name: "fill-disk",
    usage: "fill-disk NODE for=US",
    run: (world, line) => {
      const node = nodeOf(world, line);
      world.tally.fault("disk full");
      for (const { disk } of node.volumes) disk.faults.full = true;
      during(world, line, () => {
        for (const { disk } of node.volumes) disk.faults.full = false;
      });
    },
  },
  {
    name: "bound-log",
    usage: "bound-log NODE for=US",
    run: (world, line) => {
      const node = nodeOf(world, line);
      world.tally.fault("log at its bound");
      for (const { disk } of node.volumes) disk.faults.bounded = true;
      during(world, line, () => {
        for (const { disk } of node.volumes) disk.faults.bounded = false;
      });
    },
  },
  {
    name: "rot",
    usage: "rot NODE [entry]   (entry: of what a group has in its log)",
    run: (world, line) => {
      const place = line.flag("entry") ? "entry" : "anything";
      for (const { disk } of nodeOf(world, line).volumes) disk.rot(world.prng, place);
    },
  },
  {
    name: "tear",
    usage: "tear NODE   (a power cut; the newest record is there in part)",
    run: (world, line) => {
      const node = nodeOf(world, line);
      node.crash(true);
      for (const { disk } of node.volumes) disk.tear(world.prng);
    },
  },
  {
    name: "lose-disk",
    usage: "lose-disk NODE",
    run: (world, line) => {
      world.tally.fault("disk lost");
      nodeOf(world, line).loseDisk();
    },
  },
  {
    name: "save-image",
    usage: "save-image NODE",
    run: (world, line) => nodeOf(world, line).saveImage(),
  },
  {
    name: "restore-image",
    usage: "restore-image NODE   (where everybody else has what it would forget)",
    run: (world, line) => {
      if (nodeOf(world, line).restoreImage()) world.tally.fault("old disk image came back");
    },
  },
];
