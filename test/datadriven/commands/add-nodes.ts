import assert from "node:assert/strict";
import { raftOptionTable } from "../../../src/raft/index.ts";
import type { RaftOptions } from "../../../src/raft/index.ts";
import type { Command, CommandArgs } from "../command.ts";
import { defaultOptions, votersOf } from "../simulated-group.ts";

const members: readonly string[] = ["outgoing", "learners"];

export const addNodes: Command = {
  name: "add-nodes",
  usage:
    "add-nodes COUNT [outgoing=1,2] [learners=4] [electionTicks=10 and the other core options]",
  run(scene, args) {
    const configuration = {
      voters: votersOf(args.number(0)).voters,
      votersOutgoing: args.list("outgoing") ?? [],
      learners: args.list("learners") ?? [],
    };
    for (const key of args.keys) {
      assert.ok(members.includes(key) || Object.hasOwn(raftOptionTable, key), `no option ${key}`);
    }
    scene.create({ configuration, options: readOptions(args) });
    return "";
  },
};

function readOptions(args: CommandArgs): RaftOptions {
  return {
    electionTicks: args.setting("electionTicks", defaultOptions.electionTicks),
    heartbeatTicks: args.setting("heartbeatTicks", defaultOptions.heartbeatTicks),
    parkTicks: args.setting("parkTicks", defaultOptions.parkTicks),
    inflightMessagesMax: args.setting("inflightMessagesMax", defaultOptions.inflightMessagesMax),
    inflightBytesMax: args.setting("inflightBytesMax", defaultOptions.inflightBytesMax),
    appendBytesMax: args.setting("appendBytesMax", defaultOptions.appendBytesMax),
    uncommittedBytesMax: args.setting("uncommittedBytesMax", defaultOptions.uncommittedBytesMax),
    tailBytesMax: args.setting("tailBytesMax", defaultOptions.tailBytesMax),
  };
}
