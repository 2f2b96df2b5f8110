/** Quorum decisions against a second implementation that is as naive as can be: it tries every set of voters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  jointIndex,
  jointVote,
  majorityIndex,
  majorityOf,
  majorityVote,
} from "../../src/raft/index.ts";
import type { VoteResult } from "../../src/raft/index.ts";
import { repeatable } from "./raft-repeat.ts";

const voters = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 9 });
const indexes = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 13, maxLength: 13 });
const votes = fc.array(fc.constantFrom(true, false, undefined), { minLength: 13, maxLength: 13 });

/** Every index that more than half have reached, tried one after another from the top. */
function naiveIndex(members: readonly number[], indexOf: (voter: number) => number): number {
  if (members.length === 0) return Number.POSITIVE_INFINITY;
  for (let index = 20; index > 0; index -= 1) {
    const holders = members.filter((voter) => indexOf(voter) >= index).length;
    if (holders > members.length - holders) return index;
  }
  return 0;
}

/** Decided when no way of casting the missing votes changes the outcome. */
function naiveVote(
  members: readonly number[],
  voteOf: (voter: number) => boolean | undefined,
): VoteResult {
  if (members.length === 0) return "won";
  const yes = members.filter((voter) => voteOf(voter) === true).length;
  const no = members.filter((voter) => voteOf(voter) === false).length;
  if (yes > members.length - yes) return "won";
  return no >= members.length - no ? "lost" : "pending";
}

test("majorityOf() is more than half, and one fewer is not", () => {
  for (let count = 1; count <= 100; count += 1) {
    assert.ok(majorityOf(count) * 2 > count);
    assert.ok((majorityOf(count) - 1) * 2 <= count);
  }
});

test("any two majorities of the same voters share one", () => {
  for (let count = 1; count <= 100; count += 1) assert.ok(2 * majorityOf(count) > count);
});

test("majorityIndex() equals the naive one", () => {
  fc.assert(
    fc.property(voters, indexes, (members, at) => {
      const indexOf = (voter: number): number => at[voter] ?? 0;
      assert.equal(majorityIndex(members, indexOf), naiveIndex(members, indexOf));
    }),
    repeatable(2000),
  );
});

test("majorityVote() equals the naive one", () => {
  fc.assert(
    fc.property(voters, votes, (members, cast) => {
      const voteOf = (voter: number): boolean | undefined => cast[voter];
      assert.equal(majorityVote(members, voteOf), naiveVote(members, voteOf));
    }),
    repeatable(2000),
  );
});

test("jointIndex() is what both halves have reached", () => {
  fc.assert(
    fc.property(voters, voters, indexes, (incoming, outgoing, at) => {
      const indexOf = (voter: number): number => at[voter] ?? 0;
      const configuration = { voters: incoming, votersOutgoing: outgoing, learners: [] };
      const expected = Math.min(naiveIndex(incoming, indexOf), naiveIndex(outgoing, indexOf));
      assert.equal(jointIndex(configuration, indexOf), expected);
    }),
    repeatable(2000),
  );
});

test("jointVote() is won by both halves, lost by either", () => {
  fc.assert(
    fc.property(voters, voters, votes, (incoming, outgoing, cast) => {
      const voteOf = (voter: number): boolean | undefined => cast[voter];
      const halves = [naiveVote(incoming, voteOf), naiveVote(outgoing, voteOf)];
      const expected = halves.includes("lost")
        ? "lost"
        : halves.every((half) => half === "won")
          ? "won"
          : "pending";
      const configuration = { voters: incoming, votersOutgoing: outgoing, learners: [] };
      assert.equal(jointVote(configuration, voteOf), expected);
    }),
    repeatable(2000),
  );
});
