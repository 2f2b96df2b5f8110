/** The algorithm of one group of three members, without its disk and its wires. */
import { assert, nobody, resolveOptions } from "../../src/base/index.ts";
import { Raft, lastIndexOf, raftOptionTable } from "../../src/raft/index.ts";
import type { Message, RaftEnvironment } from "../../src/raft/index.ts";
import { crc32c } from "../../src/wire/index.ts";
import { sampleBlock } from "./sample-blocks.ts";
import type { MicroSuite } from "./suite.ts";

const self = 1;
const peers = [2, 3] as const;
const term = 1;

const options = resolveOptions(raftOptionTable, {});
const environment: RaftEnvironment = {
  reader: { read: () => [] },
  checksum: crc32c,
  random: (lo) => lo,
  rankOf: (id) => id,
};

function newReplica(): Raft {
  const configuration = { voters: [self, ...peers], votersOutgoing: [], learners: [] };
  const hardState = { term: 0, vote: nobody, commit: 0 };
  return new Raft(
    { self, configuration, hardState, lastIndex: 0, terms: [] },
    options,
    environment,
  );
}

/** Takes what is to be done, as if the disk were at hand. */
function turn(replica: Raft): number {
  const ready = replica.takeReady();
  if (ready.mustPersist) replica.persisted(ready.mark);
  for (const message of ready.durableMessages) if (message.to === self) replica.step(message);
  replica.applied(replica.state.log.committed);
  return ready.messages.length + ready.durableMessages.length;
}

function newLeader(): Raft {
  const replica = newReplica();
  replica.campaign(true);
  turn(replica);
  for (const from of peers) {
    replica.step({ kind: "voteResponse", from, to: self, term, granted: true });
  }
  turn(replica);
  acknowledge(replica);
  turn(replica);
  assert(replica.isLeader, "the replica was elected");
  return replica;
}

function acknowledge(leader: Raft): void {
  const index = leader.state.log.lastIndex;
  for (const from of peers) {
    const message: Message = {
      kind: "appendResponse",
      from,
      to: self,
      term,
      index,
      rejected: false,
      hintIndex: 0,
      hintTerm: 0,
    };
    leader.step(message);
  }
}

const proposed = sampleBlock({ entries: 16, entryBytes: 16 });

/** A block from its proposal to its commit: two turns. */
function propose(leader: Raft): number {
  leader.propose(proposed);
  turn(leader);
  acknowledge(leader);
  turn(leader);
  return leader.state.log.committed;
}

let ticket = 0;

/** A read from its arrival to its confirmation. */
function read(leader: Raft): number {
  ticket += 1;
  leader.requestRead(ticket);
  leader.takeReady();
  const { readRound } = leader.state;
  for (const from of peers) {
    leader.step({ kind: "heartbeatResponse", from, to: self, term, readRound });
  }
  return leader.takeReady().confirmedReads.length;
}

/** A block as it arrives at a follower, with the commit index of the one before. */
function follow(follower: Raft): number {
  const { lastIndex: prevIndex, lastTerm: prevTerm } = follower.state.log;
  const block = { ...proposed, first: prevIndex + 1, term };
  follower.step({
    kind: "appendRequest",
    from: peers[0],
    to: self,
    term,
    prevIndex,
    prevTerm,
    commit: prevIndex,
    blocks: [block],
  });
  turn(follower);
  return lastIndexOf(block);
}

export const coreStepSuite: MicroSuite = {
  name: "core-step",
  prepare: async () => {
    const leader = newLeader();
    const reader = newLeader();
    const ticking = newLeader();
    const follower = newReplica();
    const one = { operations: 1 };
    return {
      cases: [
        {
          name: "leader: propose a block, two acknowledgements",
          operation: "block",
          ...one,
          run: () => propose(leader),
        },
        {
          name: "follower: append a block",
          operation: "block",
          ...one,
          run: () => follow(follower),
        },
        { name: "leader: read index", operation: "read", ...one, run: () => read(reader) },
        {
          name: "leader: tick",
          operation: "tick",
          ...one,
          run: () => {
            ticking.tick();
            for (const from of peers) {
              ticking.step({ kind: "heartbeatResponse", from, to: self, term, readRound: 0 });
            }
            return turn(ticking);
          },
        },
      ],
    };
  },
};
