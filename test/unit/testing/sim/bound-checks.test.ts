/** The checks of what waits in a shard, against shards that hold too much. */
import { test } from "node:test";
import type { Raft } from "../../../../src/raft/index.ts";
import type { HeldBytes } from "../../../../src/shard/index.ts";
import { BoundedQueues } from "../../../../src/testing/sim/checks/bounded-queues.ts";
import { ShardBytes } from "../../../../src/testing/sim/checks/shard-bytes.ts";
import { CheckStage, breaks, lonelyLeader } from "./check-stage.ts";

test("bounded-queues finds open proposals, uncommitted entries and messages beyond their bounds", () => {
  const stage = new CheckStage().create(1);
  const { openBytesMax, uncommittedBytesMax, inflightMessagesMax } = stage.options;
  const examine = (raft: Raft, bytes = 0): void => {
    const replica = { group: 1, open: { bytes }, raft };
    new BoundedQueues(stage).onTurn({ node: "a", shard: { replicas: new Map([[1, replica]]) } });
  };
  const raft = lonelyLeader(stage);
  const bytes = new Uint8Array(1_048_576);
  const block = { kind: 0, count: 1, timeMs: 0, checksum: 0, bytes } as const;
  while (raft.propose(block) !== "full") examine(raft, openBytesMax);
  breaks("bounded-queues", () => examine(raft, 2 * openBytesMax));
  const first = raft.state.log.lastIndex + 1;
  raft.state.log.append({ ...block, first, term: 1, bytes: new Uint8Array(uncommittedBytesMax) });
  breaks("bounded-queues", () => examine(raft));
  const busy = lonelyLeader(stage);
  const progress = busy.state.progress.get(2);
  Object.defineProperty(progress?.inflights, "count", { value: inflightMessagesMax + 1 });
  breaks("bounded-queues", () => examine(busy));
});

test("bounded-queues finds a round that writes more than its budget and one block", () => {
  const stage = new CheckStage().create(1);
  const { roundBytesMax, blockBytesMax, commandBytesMax } = stage.options;
  const check = new BoundedQueues(stage);
  const commit = (bytes: number): void => {
    const block = { first: 1, term: 1, kind: 0, count: 1, timeMs: 0, checksum: 0 } as const;
    const change = { commit: 0, ballot: undefined };
    const changes = [1, 2].map((group) => {
      return { ...change, group, blocks: [{ ...block, bytes: new Uint8Array(bytes / 2) }] };
    });
    check.onCommit("a", 0, { changes, descriptors: [], removed: [] });
  };
  commit(roundBytesMax + blockBytesMax);
  breaks("bounded-queues", () => commit(roundBytesMax + blockBytesMax + commandBytesMax + 100));
});

test("shard-bytes finds a shard that holds more than its shares, and one that has lost count", () => {
  const stage = new CheckStage().create(1);
  const { shardBytesMax } = stage.options;
  const examine = (held: Partial<HeldBytes>, tailBytes = 0): void => {
    const check = new ShardBytes(stage);
    const replicas = new Map([[1, { raft: { state: { log: { tailBytes } } } }]]);
    const none = { entries: 0, forwarded: 0, unread: 0, waiting: 0 };
    const all = { ...none, frameBytesMax: 1_000, answerBytesMax: 1_000, ...held };
    for (let turn = 0; turn < 32; turn += 1) {
      check.onTurn({ node: "a", shard: { held: all, replicas } });
    }
  };
  examine({ entries: shardBytesMax / 4 }, shardBytesMax / 4);
  breaks("shard-bytes", () => examine({ entries: shardBytesMax / 2 }, shardBytesMax / 2));
  breaks("shard-bytes", () => examine({ forwarded: shardBytesMax / 4 }));
  breaks("shard-bytes", () => examine({ unread: shardBytesMax / 8 }));
  breaks("shard-bytes", () => examine({ waiting: shardBytesMax / 8 }));
  breaks("shard-bytes", () => examine({ entries: 10 }, 20));
});
