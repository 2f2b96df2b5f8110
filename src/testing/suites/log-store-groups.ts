/**
 * Cases of `logStoreSuite` about groups, ballots, descriptors, the order of commits and the life of
 * a store.
 */
import assert from "node:assert/strict";
import { RaftError } from "../../base/index.ts";
import { makeBlock } from "../make-block.ts";
import { bytesOf, change, descriptorOf } from "./store-trial.ts";
import type { StoreCase } from "./store-trial.ts";

const manyGroups = 5_000;

export const logStoreGroupCases: readonly StoreCase[] = [
  {
    name: "a new store is empty, and stays so over a restart",
    run: async (trial) => {
      assert.deepEqual(await trial.open(), []);
      assert.deepEqual(await trial.open(), []);
    },
  },
  {
    name: "a commit changes all its groups at once, and other groups not at all",
    run: async (trial) => {
      await trial.open();
      const groups = [1, 2, 0xffff_ffff];
      await trial.commit({
        descriptors: groups.map(descriptorOf),
        changes: groups.map((group) => change(group, [makeBlock(1, 1, bytesOf(`${group}`))], 1)),
      });
      await trial.commit({ changes: [change(2, [makeBlock(2, 1, bytesOf("more"))], 1)] });
      const found = await trial.open();
      assert.deepEqual(
        found.map(({ descriptor, lastIndex, commit }) => [descriptor.group, lastIndex, commit]),
        [
          [1, 1, 1],
          [2, 2, 1],
          [0xffff_ffff, 1, 1],
        ],
      );
      assert.deepEqual(trial.entries(0xffff_ffff), ["4294967295"]);
    },
  },
  {
    name: "5,000 groups in one commit come back, each with its own entry",
    run: async (trial) => {
      await trial.open();
      const groups = Array.from({ length: manyGroups }, (_, at) => at * 7);
      await trial.commit({
        descriptors: groups.map(descriptorOf),
        changes: groups.map((group) => change(group, [makeBlock(1, 1, bytesOf(`g${group}`))])),
      });
      const found = await trial.open();
      assert.deepEqual(
        found.map(({ descriptor }) => descriptor.group),
        groups,
      );
      for (const group of groups) assert.deepEqual(trial.entries(group), [`g${group}`]);
    },
  },
  {
    name: "commits without waiting, as many as the store allows, keep their order",
    run: async (trial) => {
      await trial.open();
      await trial.commit({ descriptors: [descriptorOf(1)] });
      const settled: number[] = [];
      const inFlight: Promise<void>[] = [];
      for (let first = 1; first <= 20; first += 1) {
        const block = makeBlock(first, 1, bytesOf(`${first}`));
        const done = trial.commit({ changes: [change(1, [block])] });
        inFlight.push(done.then(() => void settled.push(first)));
        if (inFlight.length >= trial.store.commitsInFlightMax) await inFlight.shift();
      }
      await Promise.all(inFlight);
      const order = Array.from({ length: 20 }, (_, at) => at + 1);
      assert.deepEqual(settled, order);
      await trial.open();
      assert.deepEqual(trial.entries(1), order.map(String));
    },
  },
  {
    name: "the newest term, vote and commit index come back, also without entries",
    run: async (trial) => {
      await trial.open();
      await trial.commit({ descriptors: [descriptorOf(1), descriptorOf(2)] });
      const first = { term: 3, vote: "node-1.x" };
      await trial.commit({ changes: [{ group: 1, commit: 0, ballot: first, blocks: [] }] });
      const [voted, fresh] = await trial.open();
      assert.deepEqual(voted?.ballot, first);
      assert.deepEqual(fresh?.ballot, { term: 0, vote: undefined });
      const second = { term: 2 ** 40, vote: undefined };
      await trial.commit({ changes: [{ group: 1, commit: 0, ballot: second, blocks: [] }] });
      await trial.commit({ changes: [change(1, [makeBlock(1, 4, bytesOf("1"))], 1)] });
      const [later] = await trial.open();
      assert.deepEqual(later?.ballot, second);
      assert.equal(later.commit, 1);
    },
  },
  {
    name: "a descriptor may be replaced, and the group keeps its log",
    run: async (trial) => {
      await trial.open();
      await trial.commit({
        descriptors: [descriptorOf(1)],
        changes: [change(1, [makeBlock(1, 1, bytesOf("kept"))])],
      });
      const members = [
        { node: "b", incarnation: 1 },
        { node: "c", incarnation: 2 ** 47 },
      ];
      const next = { group: 1, members, state: "disabled", reason: "checksum — ünsound" } as const;
      await trial.commit({ descriptors: [next] });
      const [group] = await trial.open();
      assert.deepEqual(group?.descriptor, next);
      assert.deepEqual(trial.entries(1), ["kept"]);
    },
  },
  {
    name: "a removed group is gone, and created again it starts empty",
    run: async (trial) => {
      await trial.open();
      const old = makeBlock(1, 9, bytesOf("old", "older"));
      const ballot = { term: 9, vote: "a" };
      await trial.commit({
        descriptors: [descriptorOf(1), descriptorOf(2)],
        changes: [{ group: 1, commit: 2, ballot, blocks: [old] }],
      });
      await trial.commit({ removed: [1] });
      assert.deepEqual(trial.store.read(1, 1, 1_000), []);
      assert.deepEqual(
        (await trial.open()).map(({ descriptor }) => descriptor.group),
        [2],
      );
      await trial.commit({ descriptors: [descriptorOf(1)] });
      for (const round of ["before", "after"]) {
        assert.deepEqual(trial.entries(1), [], `${round} a restart`);
        const [group] = await trial.open();
        assert.deepEqual(group?.ballot, { term: 0, vote: undefined });
        assert.deepEqual([group.commit, group.lastIndex, group.terms], [0, 0, []]);
      }
      await trial.commit({ changes: [change(1, [makeBlock(1, 1, bytesOf("new"))])] });
      await trial.open();
      assert.deepEqual(trial.entries(1), ["new"]);
    },
  },
  {
    name: "a group removed and created in one commit starts empty with that commit's entries",
    run: async (trial) => {
      await trial.open();
      await trial.commit({
        descriptors: [descriptorOf(1)],
        changes: [change(1, [makeBlock(1, 1, bytesOf("old", "older"))])],
      });
      await trial.commit({
        removed: [1],
        descriptors: [descriptorOf(1)],
        changes: [change(1, [makeBlock(1, 1, bytesOf("new"))])],
      });
      assert.deepEqual(trial.entries(1), ["new"]);
      await trial.open();
      assert.deepEqual(trial.entries(1), ["new"]);
    },
  },
  {
    name: "a commit that would leave a gap is refused and changes nothing",
    run: async (trial) => {
      await trial.open();
      await trial.commit({ descriptors: [descriptorOf(1), descriptorOf(2)] });
      const sound = change(1, [makeBlock(1, 1, bytesOf("1"))]);
      const gap = change(2, [makeBlock(2, 1, bytesOf("2"))]);
      await assert.rejects(trial.commit({ changes: [sound, gap] }), /gap/);
      assert.deepEqual(trial.entries(1), []);
      await trial.commit({ changes: [sound] });
      await trial.open();
      assert.deepEqual(trial.entries(1), ["1"]);
    },
  },
  {
    name: "a commit of nothing is durable like any other",
    run: async (trial) => {
      await trial.open();
      await trial.commit({});
      await trial.commit({ descriptors: [descriptorOf(1)] });
      assert.equal((await trial.open()).length, 1);
    },
  },
  {
    name: "the counters grow with commits and start anew with the store",
    run: async (trial) => {
      await trial.open();
      const before = trial.store.stats();
      const block = makeBlock(1, 1, [new Uint8Array(10_000)]);
      await trial.commit({ descriptors: [descriptorOf(1)], changes: [change(1, [block])] });
      const after = trial.store.stats();
      assert.equal(after.commits - before.commits, 1);
      assert.ok(after.bytesWritten - before.bytesWritten > 10_000);
      assert.ok(after.bytesStored > 10_000);
      await trial.open();
      assert.equal(trial.store.stats().commits, 0);
    },
  },
  {
    name: "close waits for commits in flight, may be called twice, and refuses what comes later",
    run: async (trial) => {
      await trial.open();
      const { store } = trial;
      const done = trial.commit({ descriptors: [descriptorOf(1)] });
      await Promise.all([store.close(), store.close()]);
      await done;
      await store.close();
      const late = store.commit({ changes: [], descriptors: [], removed: [] });
      await assert.rejects(late, (error) => {
        assert.ok(error instanceof RaftError);
        assert.equal(error.code, "ERR_STORE_FAILED");
        return error.outcome === "none";
      });
      assert.throws(() => store.read(1, 1, 1), RaftError);
      assert.equal((await trial.open()).length, 1);
    },
  },
];
