/**
 * Cases of `logStoreSuite` about entries: what comes back, in what pieces, and what truncation
 * leaves.
 */
import assert from "node:assert/strict";
import { RaftError } from "../../base/index.ts";
import { lastIndexOf } from "../../raft/index.ts";
import { makeBlock } from "../make-block.ts";
import { bytesOf, change, descriptorOf, textsOf } from "./store-trial.ts";
import type { StoreCase } from "./store-trial.ts";

export const logStoreEntryCases: readonly StoreCase[] = [
  {
    name: "a block comes back with every field and byte, before and after a restart",
    run: async (trial) => {
      await trial.open();
      const block = { ...makeBlock(1, 7, bytesOf("", "x", "y".repeat(300))), kind: 1 as const };
      await trial.commit({ descriptors: [descriptorOf(1)], changes: [change(1, [block], 2)] });
      for (const round of ["before", "after"]) {
        const [found] = trial.store.read(1, 1, 1_000);
        assert.ok(found !== undefined);
        assert.deepEqual(
          { ...found, bytes: Buffer.from(found.bytes).toString("hex") },
          {
            ...block,
            bytes: Buffer.from(block.bytes).toString("hex"),
          },
        );
        if (round === "before") await trial.open();
      }
    },
  },
  {
    name: "what a read returned stays as it was when other records are written and read",
    run: async (trial) => {
      await trial.open();
      await trial.commit({
        descriptors: [descriptorOf(1)],
        changes: [change(1, [makeBlock(1, 1, bytesOf("kept"))])],
      });
      const [kept] = trial.store.read(1, 1, 1_000);
      assert.ok(kept !== undefined);
      const large = Buffer.alloc(700_000, 0xaa);
      for (let first = 2; first < 12; first += 1) {
        await trial.commit({ changes: [change(1, [makeBlock(first, 1, [large])])] });
      }
      await trial.open();
      const [again] = trial.store.read(1, 1, 1_000);
      assert.ok(again !== undefined);
      trial.entries(1);
      assert.deepEqual(textsOf(kept), ["kept"]);
      assert.deepEqual(textsOf(again), ["kept"]);
    },
  },
  {
    name: "the caller may reuse the bytes of a block once `commit` has returned",
    run: async (trial) => {
      await trial.open();
      const block = makeBlock(1, 1, bytesOf("first"));
      const done = trial.commit({ descriptors: [descriptorOf(1)], changes: [change(1, [block])] });
      block.bytes.fill(0);
      await done;
      assert.deepEqual(trial.entries(1), ["first"]);
      await trial.open();
      assert.deepEqual(trial.entries(1), ["first"]);
    },
  },
  {
    name: "a block at or below the last entry replaces everything from there on, for good",
    run: async (trial) => {
      await trial.open();
      await trial.commit({
        descriptors: [descriptorOf(1)],
        changes: [
          change(1, [makeBlock(1, 1, bytesOf("1", "2", "3")), makeBlock(4, 1, bytesOf("4", "5"))]),
        ],
      });
      await trial.commit({ changes: [change(1, [makeBlock(2, 2, bytesOf("2b"))])] });
      assert.deepEqual(trial.entries(1), ["1", "2b"]);
      const [group] = await trial.open();
      assert.equal(group?.lastIndex, 2);
      assert.deepEqual(group.terms, [
        { first: 1, term: 1 },
        { first: 2, term: 2 },
      ]);
      assert.deepEqual(trial.entries(1), ["1", "2b"]);
      await trial.commit({ changes: [change(1, [makeBlock(3, 2, bytesOf("3b"))])] });
      assert.deepEqual(trial.entries(1), ["1", "2b", "3b"]);
      await trial.open();
      assert.deepEqual(trial.entries(1), ["1", "2b", "3b"]);
    },
  },
  {
    name: "the whole log of a group may be replaced",
    run: async (trial) => {
      await trial.open();
      const old = makeBlock(1, 1, bytesOf("1", "2", "3"));
      await trial.commit({ descriptors: [descriptorOf(1)], changes: [change(1, [old])] });
      await trial.commit({ changes: [change(1, [makeBlock(1, 5, bytesOf("new"))])] });
      const [group] = await trial.open();
      assert.deepEqual(group?.terms, [{ first: 1, term: 5 }]);
      assert.deepEqual(trial.entries(1), ["new"]);
    },
  },
  {
    name: "a read may begin and end inside a block, with a checksum of its own",
    run: async (trial) => {
      await trial.open();
      const texts = ["1", "2", "3", "4", "5", "6"];
      const block = makeBlock(1, 1, bytesOf(...texts));
      await trial.commit({ descriptors: [descriptorOf(1)], changes: [change(1, [block])] });
      await trial.commit({ changes: [change(1, [makeBlock(5, 2, bytesOf("5b"))])] });
      const blocks = trial.store.read(1, 3, 1_000);
      const expected = [makeBlock(3, 1, bytesOf("3", "4")), makeBlock(5, 2, bytesOf("5b"))];
      assert.deepEqual(blocks.map(textsOf), [["3", "4"], ["5b"]]);
      assert.deepEqual(
        blocks.map(({ first, count, checksum }) => [first, count, checksum]),
        expected.map(({ first, count, checksum }) => [first, count, checksum]),
      );
    },
  },
  {
    name: "a read returns one block where there is one, and more only within its bytes",
    run: async (trial) => {
      await trial.open();
      const blocks = [1, 2, 3, 4].map((first) => makeBlock(first, 1, [new Uint8Array(98)]));
      await trial.commit({ descriptors: [descriptorOf(1)], changes: [change(1, blocks)] });
      const counts = [0, 99, 100, 199, 200, 299, 300, 1_000].map(
        (bytesMax) => trial.store.read(1, 1, bytesMax).length,
      );
      assert.deepEqual(counts, [1, 1, 1, 1, 2, 2, 3, 4]);
      assert.deepEqual(trial.store.read(1, 5, 1_000), []);
      assert.deepEqual(trial.store.read(2, 1, 1_000), []);
    },
  },
  {
    name: "a block whose bytes do not match its checksum is never returned",
    run: async (trial) => {
      await trial.open();
      const sound = makeBlock(1, 1, bytesOf("sound"));
      const unsound = { ...makeBlock(2, 1, bytesOf("unsound")), checksum: 1 };
      await trial.commit({
        descriptors: [descriptorOf(1)],
        changes: [change(1, [sound, unsound])],
      });
      assert.equal(trial.store.read(1, 1, 1).length, 1);
      assert.throws(
        () => trial.store.read(1, 2, 1),
        (error) => error instanceof RaftError && error.code === "ERR_STORE_CORRUPT",
      );
    },
  },
  {
    name: "a commit can be read before it is durable",
    run: async (trial) => {
      await trial.open();
      const block = makeBlock(1, 1, bytesOf("early"));
      const done = trial.commit({ descriptors: [descriptorOf(1)], changes: [change(1, [block])] });
      assert.deepEqual(trial.entries(1), ["early"]);
      await done;
    },
  },
  {
    name: "blocks of more than 1 MiB, and a commit of many megabytes, come back whole",
    run: async (trial) => {
      await trial.open();
      const large = Buffer.alloc(1_500_000, "large ");
      const blocks = [1, 2, 3, 4].map((first) => makeBlock(first, 1, [large]));
      await trial.commit({ descriptors: [descriptorOf(1)], changes: [change(1, blocks)] });
      await trial.open();
      for (const block of blocks) {
        const [found] = trial.store.read(1, block.first, 1);
        assert.ok(found !== undefined && lastIndexOf(found) === lastIndexOf(block));
        assert.ok(Buffer.from(found.bytes).equals(block.bytes));
      }
    },
  },
];
