import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Engine } from "../../src/index.ts";
import type { EngineOptions } from "../../src/index.ts";
import { bytes, failureOf, optionsFor, tempDir } from "./engine-rig.ts";

async function openPair(t: TestContext, secrets: readonly string[]): Promise<[Engine, Engine]> {
  const dir = tempDir(t);
  const open = async (node: string, secret: string | undefined): Promise<Engine> => {
    const more: Partial<EngineOptions> = { node, secret, timeoutMs: 1_000 };
    const engine = await Engine.open({ ...optionsFor(dir, more), dir: `${dir}/${node}` });
    t.after(() => engine.close());
    return engine;
  };
  const pair: [Engine, Engine] = [await open("a", secrets[0]), await open("b", secrets[1])];
  const peers = Object.fromEntries(pair.map(({ node, address }) => [node, address]));
  for (const engine of pair) await engine.setPeers(peers);
  return pair;
}

test("a wrong secret is named by errors and an event, and is mended without a restart", async (t) => {
  const [a, b] = await openPair(t, ["right", "wrong"]);
  const told = once(a, "peerRefused", { signal: AbortSignal.timeout(20_000) });
  const group = { group: 1, members: ["a", "b"], timeoutMs: 300 };
  const failure = await failureOf(a.createGroup(group));
  assert.equal(failure.code, "ERR_GROUP_CREATE_FAILED");
  assert.match(failure.details.failures?.["b"] ?? "", /does not know the secret of this node/);
  const [refusal] = await told;
  assert.equal(refusal.error.code, "ERR_HANDSHAKE_REFUSED");
  assert.match(refusal.reason, /proofInvalid/);

  const again = failureOf(b.renewCredentials({ secret: "" }));
  assert.equal((await again).code, "ERR_OPTION_INVALID");
  await b.renewCredentials({ secret: ["right", "wrong"] });
  for (let created = false; !created; ) {
    created = await a.createGroup({ ...group, timeoutMs: 5_000 }).then(
      ({ started }) => started.length === 2,
      () => false,
    );
  }
  await a.awaitLeader(1, { timeoutMs: 20_000 });
  await a.propose(1, bytes("x"), { forward: true, timeoutMs: 20_000 });
});
