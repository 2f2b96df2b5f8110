import assert from "node:assert/strict";
import { it } from "node:test";
import { createKeyValueMachine, kvMachineUrl } from "../../../src/service/index.ts";

it("kvMachineUrl is the URL of a module that exports the machine", async () => {
  const module: unknown = await import(kvMachineUrl.href);
  assert.ok(module !== null && typeof module === "object" && "createStateMachine" in module);
  assert.equal(module.createStateMachine, createKeyValueMachine);
});
