import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { peersBenchmark } from "../../../../bench/commands/peers.ts";
import { peers } from "../../../../bench/peers/index.ts";

function parse(...options: readonly string[]): Record<string, unknown> {
  const command = new Command("peers").exitOverride().configureOutput({ writeErr: () => {} });
  peersBenchmark.configure(command);
  return command.parse([...options], { from: "user" }).opts();
}

test("bench peers --only takes the names of peers and says which there are", () => {
  const [first, second] = peers.map(({ name }) => name);
  assert.deepEqual(parse("--only", `${first},${second}`)["only"], [first, second]);
  assert.equal(parse()["only"], undefined);
  assert.throws(() => parse("--only", "mongo"), new RegExp(`"mongo" is none of ${first}, `));
});

test("every peer has a name of its own, packages that bring it, and a remark", () => {
  assert.equal(new Set(peers.map(({ name }) => name)).size, peers.length);
  for (const { packages, remark } of peers) {
    assert.ok(packages.length > 0);
    assert.notEqual(remark, "");
  }
});
