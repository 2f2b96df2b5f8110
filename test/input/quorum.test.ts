import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, RaftError } from "../../src/index.ts";
import { bytes, failureOf, optionsFor, tempDir } from "./engine-rig.ts";

test("the last of three members fails each call in time, with an outcome that is true", async (t) => {
  const dir = tempDir(t);
  const engines: Engine[] = [];
  for (const node of ["a", "b", "c"]) {
    const options = { ...optionsFor(dir, { node, timeoutMs: 2_000 }), dir: `${dir}/${node}` };
    const engine = await Engine.open(options);
    t.after(() => engine.close());
    engines.push(engine);
  }
  const peers = Object.fromEntries(engines.map(({ node, address }) => [node, address]));
  for (const engine of engines) await engine.setPeers(peers);
  const [a, ...others] = engines;
  assert.ok(a !== undefined);
  const members = ["a", "b", "c"];
  const { started } = await a.createGroup({ group: 1, members });
  assert.equal(started.length, 3);
  await a.awaitLeader(1);
  await a.propose(1, bytes("before"), { forward: true });
  assert.equal(await addressHint(engines), true);
  for (const other of others) await other.close();
  // Whether a still believes to lead, or has found out: nothing is acknowledged.
  const write = await failureOf(a.propose(1, bytes("x"), { forward: true }));
  const known = ["ERR_NOT_LEADER", "ERR_LEADERSHIP_LOST", "ERR_TIMEOUT"];
  assert.ok(known.includes(write.code), write.code);
  assert.equal(write.outcome, write.code === "ERR_NOT_LEADER" ? "none" : "unknown");
  const read = await failureOf(a.read(1, bytes("")));
  assert.ok(known.includes(read.code), read.code);
  assert.equal(read.outcome, "none");
  while (a.group(1)?.leader !== undefined) {
    await new Promise((resolve) => a.once("leaderChanged", resolve));
  }
  const late = await failureOf(a.propose(1, bytes("y"), { forward: true, timeoutMs: 200 }));
  assert.equal(late.code, "ERR_NOT_LEADER");
  assert.equal(late.outcome, "none");
  const waiting = await failureOf(a.awaitLeader(1, { timeoutMs: 200 }));
  assert.equal(waiting.code, "ERR_TIMEOUT");
  assert.equal(waiting.outcome, "none");
  const local = await a.readLocal(1, bytes(""));
  assert.match(new TextDecoder().decode(local.value), /^before/);
});

/** Whether a follower's refusal names the leader's address. Asks until somebody refuses with a leader's name. */
async function addressHint(engines: readonly Engine[]): Promise<boolean> {
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline) {
    for (const engine of engines) {
      await engine.awaitLeader(1);
      const refusal = await engine.propose(1, bytes("hint")).then(
        () => undefined,
        (error: unknown) => (error instanceof RaftError ? error : undefined),
      );
      if (refusal?.code !== "ERR_NOT_LEADER" || refusal.details.leader === undefined) continue;
      const { leader, leaderAddress } = refusal.details;
      return engines.some(({ node, address }) => node === leader && address === leaderAddress);
    }
  }
  return false;
}
