import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupTable } from "../../../src/engine/group-table.ts";
import { LeaderWaits } from "../../../src/engine/leader-waits.ts";

const patient = { timeoutMs: 60_000, signal: undefined };

function tableWith(group: number, bytesMax = 1_000): { table: GroupTable; waits: LeaderWaits } {
  const table = new GroupTable();
  table.take({ kind: "groupStarted", group, members: ["a", "b"] });
  const describeFaults = (of: number): string => `; b refused group ${of}`;
  const shards = { drain: () => {}, describeFaults, failureOf: () => undefined };
  return { table, waits: new LeaderWaits(table, shards, bytesMax) };
}

test("GroupTable follows a group through its life", () => {
  const { table } = tableWith(1);
  table.take({ kind: "roleChanged", group: 1, role: "leader", leader: "a", term: 3 });
  const view = { group: 1, members: ["a", "b"], state: "running", role: "leader" };
  assert.deepEqual(table.get(1), { ...view, leader: "a", term: 3 });
  table.take({ kind: "roleChanged", group: 1, role: "candidate", leader: "", term: 4 });
  assert.equal(table.get(1)?.leader, undefined);
  table.take({ kind: "groupStopped", group: 1 });
  assert.equal(table.get(1)?.state, "stopped");
  table.take({ kind: "groupDisabled", group: 1, reason: "broken" });
  assert.equal(table.get(1)?.state, "disabled");
  table.take({ kind: "groupRemoved", group: 1 });
  assert.deepEqual(table.all(), []);
  table.take({ kind: "roleChanged", group: 1, role: "leader", leader: "a", term: 5 });
  assert.equal(table.get(1), undefined, "a late event does not bring it back");
});

test("GroupTable.forgetRoles() concerns only the groups that are named", () => {
  const { table } = tableWith(1);
  table.take({ kind: "opened", port: 1, groups: [{ group: 2, members: ["a"], state: "running" }] });
  for (const group of [1, 2]) {
    table.take({ kind: "roleChanged", group, role: "leader", leader: "a", term: 3 });
  }
  table.forgetRoles((group) => group === 1);
  assert.equal(table.get(1)?.role, "follower");
  assert.equal(table.get(1)?.leader, undefined);
  assert.equal(table.get(2)?.leader, "a");
});

test("LeaderWaits resolves at once where a leader is known, and otherwise when it is told", async () => {
  const { table, waits } = tableWith(1);
  const early = waits.wait(1, patient);
  table.take({ kind: "roleChanged", group: 1, role: "follower", leader: "b", term: 2 });
  waits.notify(1);
  assert.deepEqual(await early, { leader: "b", term: 2 });
  assert.deepEqual(await waits.wait(1, patient), { leader: "b", term: 2 });
});

test("LeaderWaits ends with its group, its deadline, its signal and the engine, each with its error", async () => {
  const { table, waits } = tableWith(1);
  await assert.rejects(waits.wait(9, patient), { code: "ERR_GROUP_NOT_FOUND" });
  const timeout = { code: "ERR_TIMEOUT", outcome: "none", message: /b refused group 1$/ };
  await assert.rejects(waits.wait(1, { timeoutMs: 1, signal: undefined }), timeout);
  const abort = new AbortController();
  const aborted = waits.wait(1, { timeoutMs: 60_000, signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(aborted, { code: "ERR_ABORTED", outcome: "none" });
  await assert.rejects(waits.wait(1, { timeoutMs: 60_000, signal: abort.signal }), {
    code: "ERR_ABORTED",
  });
  const removed = waits.wait(1, patient);
  table.take({ kind: "groupRemoved", group: 1 });
  waits.notify(1);
  await assert.rejects(removed, { code: "ERR_GROUP_NOT_FOUND" });
  table.take({ kind: "groupStarted", group: 1, members: ["a"] });
  const closed = [waits.wait(1, patient), waits.wait(1, patient)];
  waits.close();
  for (const wait of closed) await assert.rejects(wait, { code: "ERR_ENGINE_CLOSED" });
  await assert.rejects(waits.wait(1, patient), { code: "ERR_ENGINE_CLOSED" });
});

test("a call that may be forwarded waits for a leader within its deadline, and is refused without effect", async () => {
  const { table, waits } = tableWith(1);
  const settings = { timeoutMs: 10_000, forward: true, signal: undefined };
  assert.ok(!waits.holds(1, { ...settings, forward: false }));
  assert.ok(!waits.holds(2, settings), "there is no such group to wait for");
  assert.ok(waits.holds(1, settings));
  const command = Uint8Array.of(1, 2, 3);
  const led = waits.before(1, { entries: [command], settings });
  command.fill(9);
  const hasty = { ...settings, timeoutMs: 1 };
  await assert.rejects(waits.before(1, { entries: [], settings: hasty }), {
    code: "ERR_NOT_LEADER",
    outcome: "none",
  });
  table.take({ kind: "roleChanged", group: 1, role: "follower", leader: "b", term: 1 });
  waits.notify(1);
  const call = await led;
  assert.deepEqual(call.entries, [Uint8Array.of(1, 2, 3)], "the caller may use its memory again");
  assert.ok(call.settings.forward && call.settings.timeoutMs <= settings.timeoutMs);
  assert.ok(!waits.holds(1, settings), "it is led");
});

test("calls that wait for a leader hold no more bytes than their share, and one call more", async () => {
  const { table, waits } = tableWith(1, 1_000);
  const settings = { timeoutMs: 10_000, forward: true, signal: undefined };
  const large = { entries: [new Uint8Array(800)], settings };
  const waiting = [waits.before(1, large), waits.before(1, large)];
  await assert.rejects(waits.before(1, { entries: [], settings }), {
    code: "ERR_BUSY",
    outcome: "none",
    message: /hold \d+ bytes \(a quarter of shardBytesMax\)/,
  });
  table.take({ kind: "roleChanged", group: 1, role: "follower", leader: "b", term: 1 });
  waits.notify(1);
  await Promise.all(waiting);
  table.take({ kind: "roleChanged", group: 1, role: "follower", leader: "", term: 2 });
  const again = waits.before(1, large);
  waits.close();
  await assert.rejects(again, { code: "ERR_ENGINE_CLOSED" });
});
