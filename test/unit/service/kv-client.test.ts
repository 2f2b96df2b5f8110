import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RaftError } from "../../../src/base/index.ts";
import { KeyValueGroup, createKeyValueMachine } from "../../../src/service/index.ts";
import { LocalGroup } from "./local-group.ts";

function open(): { readonly engine: LocalGroup; readonly store: KeyValueGroup } {
  const engine = new LocalGroup(createKeyValueMachine({ group: 4, node: "n1" }));
  return { engine, store: new KeyValueGroup(engine, 4) };
}

describe("KeyValueGroup", () => {
  it("writes, reads, counts and deletes", async () => {
    const { store } = open();
    assert.deepEqual(await store.put("name", "Ada"), { ok: true, version: 1, revision: 1 });
    const record = await store.get("name");
    assert.equal(Buffer.from(record?.value ?? []).toString(), "Ada");
    assert.deepEqual(await store.increment("visits"), {
      ok: true,
      version: 1,
      revision: 2,
      counter: 1,
    });
    const second = await store.increment("visits", 41);
    assert.equal(second.ok && second.counter, 42);
    assert.equal(await store.size(), 2);
    assert.deepEqual(await store.delete("name"), { ok: true, version: 1, revision: 1 });
    assert.equal(await store.get("name"), undefined);
  });

  it("refuses a compareAndSet that somebody else has overtaken since the read", async () => {
    const { store } = open();
    await store.put("a", "1");
    const read = await store.get("a");
    assert.ok(read !== undefined);
    const mine = await store.compareAndSet("a", read.revision, "2");
    assert.deepEqual(mine, { ok: true, version: 2, revision: 2 });
    const late = await store.compareAndSet("a", read.revision, "3");
    assert.deepEqual(late, { ok: false, reason: "mismatch", version: 2, revision: 2 });
  });

  it("reads locally with the applied index", async () => {
    const { store } = open();
    assert.deepEqual(await store.getLocal("a"), { record: undefined, appliedIndex: 0 });
    await store.put("a", "1");
    const { record, appliedIndex } = await store.getLocal("a");
    assert.equal(Buffer.from(record?.value ?? []).toString(), "1");
    assert.equal(appliedIndex, 1);
  });

  it("hands the options of a call to the engine", async () => {
    const { engine, store } = open();
    const options = { timeoutMs: 250, forward: true };
    await store.put("a", "1", options);
    assert.equal(engine.options, options);
    await store.get("a");
    assert.equal(engine.options, undefined);
    await store.increment("n", 1, options);
    assert.equal(engine.options, options);
  });

  it("rejects a bad argument before anything is proposed", async () => {
    const { engine, store } = open();
    await assert.rejects(
      store.increment("n", 0.5),
      (error) => error instanceof RaftError && error.code === "ERR_OPTION_INVALID",
    );
    assert.equal(engine.index, 0);
  });
});
