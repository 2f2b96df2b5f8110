import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { CommandRejected, RaftError } from "../../src/base/index.ts";
import type { CreateStateMachine, Entry } from "../../src/shard/index.ts";
import { MemoryTransport } from "../../src/transport/index.ts";
import { ListMachine } from "./list-machine.ts";
import type { Call } from "./shard-client.ts";
import { ShardCluster } from "./shard-cluster.ts";

test("an exception in apply is the result of that command, on every replica, and the group goes on", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  const client = cluster.client("a", 1);
  const calls = [client.propose(1, "x"), client.propose(1, "poison"), client.propose(1, "y")];
  const batch = client.proposeBatch(1, ["p", "poison", "q"]);
  await cluster.run();
  await cluster.tick(2);
  const [, poisoned] = calls.map((call) => call.results()[0]);
  assert.ok(poisoned instanceof RaftError);
  assert.equal(poisoned.code, "ERR_APPLY_FAILED");
  assert.match(poisoned.message, /poison/);
  const [first, second, third] = batch.results();
  assert.deepEqual([first, third], ["3", "4"]);
  assert.ok(second instanceof RaftError);
  for (const node of cluster.nodes) assert.equal(await cluster.digest(node, 1), "x,y,p,q");
  await cluster.close();
});

/** What plain JavaScript may return from apply and query, by command; the state counts them. */
class LooseMachine {
  static readonly returns: Record<string, () => unknown> = {
    bytes: () => new TextEncoder().encode("ok"),
    "bytes of another realm": () => runInNewContext("Uint8Array.of(111, 107)"),
    nothing: () => undefined,
    "a promise": async () => new Uint8Array(1),
    "a promise that is rejected": () => Promise.reject(new Error("nobody awaits this")),
    "a string": () => "text",
    null: () => null,
    "an object": () => ({ length: 3 }),
    "a view that is not bytes": () => new Float64Array(1),
    "a rejection": () => {
      throw new CommandRejected("not today");
    },
    "an exception": () => {
      throw new Error("halfway");
    },
  };
  commands = 0;

  apply({ command }: Entry): Uint8Array | undefined {
    const name = Buffer.from(command).toString();
    if (name !== "a rejection") this.commands += 1;
    return this.loosely(name);
  }

  query(query: Uint8Array): Uint8Array | undefined {
    return this.loosely(Buffer.from(query).toString());
  }

  digest(): string {
    return String(this.commands);
  }

  private loosely(name: string): Uint8Array | undefined {
    const result: unknown = LooseMachine.returns[name]?.();
    return bytesAsReturned(result);
  }
}

/** As a module in plain JavaScript returns it, whatever it is. */
function bytesAsReturned(value: unknown): Uint8Array | undefined {
  assume(value);
  return value;
}

function assume(_value: unknown): asserts _value is Uint8Array | undefined {}

const accepted = ["bytes", "bytes of another realm", "nothing"];

test("a result that is not bytes is an error of its call, which says that the command was applied", async () => {
  const cluster = await ShardCluster.start({
    nodes: ["a"],
    createStateMachine: () => new LooseMachine(),
  });
  await cluster.createGroup("a", 1);
  const client = cluster.client("a", 1);
  let applied = 0;
  for (const name of Object.keys(LooseMachine.returns)) {
    const write = client.propose(1, name);
    const read = client.read(1, name);
    await cluster.settle([write, read]);
    if (name !== "a rejection") applied += 1;
    assert.equal(await cluster.digest("a", 1), String(applied), name);
    if (accepted.includes(name)) {
      assert.deepEqual(write.results(), [name === "nothing" ? "" : "ok"], name);
      assert.equal(read.text(), name === "nothing" ? "" : "ok", name);
      continue;
    }
    const [failure] = write.results();
    assert.ok(failure instanceof RaftError, name);
    const thrown = name === "a rejection" || name === "an exception";
    assert.equal(failure.code, thrown ? "ERR_APPLY_FAILED" : "ERR_RESULT_INVALID", name);
    assert.equal(failure.outcome, name === "a rejection" ? "none" : "unknown", name);
    assert.equal(read.failure().code, "ERR_QUERY_FAILED", name);
  }
  await cluster.close();
});

test("a rejected command disables no replica, whatever applyError says", async () => {
  const cluster = await ShardCluster.start({
    nodes: ["a"],
    options: { applyError: "disable" },
    createStateMachine: () => new LooseMachine(),
  });
  await cluster.createGroup("a", 1);
  const calls = ["a rejection", "a promise", "bytes"].map((name) =>
    cluster.client("a", 1).propose(1, name),
  );
  await cluster.settle(calls);
  assert.equal((await cluster.status("a", 1)).state, "running");
  assert.deepEqual(calls[2]?.results(), ["ok"]);
  await cluster.close();
});

test("with applyError disable the replicas stop at the command, and a batch is answered once", async () => {
  const cluster = await ShardCluster.start({ options: { applyError: "disable" } });
  await cluster.createGroup("a", 1);
  const client = cluster.client("a", 1);
  const before = client.propose(1, "x");
  await cluster.run();
  const batch = client.proposeBatch(1, ["p", "poison", "q"]);
  const behind = client.propose(1, "y");
  await cluster.run();
  await cluster.tick(5);
  assert.deepEqual(before.results(), ["1"]);
  for (const call of [batch, behind]) {
    assert.equal(call.failure().code, "ERR_GROUP_DISABLED");
    assert.equal(call.failure().outcome, "unknown", "it is in the log");
    assert.match(call.failure().message, /poison/);
  }
  for (const node of cluster.nodes) {
    const status = await cluster.status(node, 1);
    assert.equal(status.state, "disabled", node);
    assert.match(status.reason, /poison/);
    const machine = cluster.machines.get(`${node} 1`);
    assert.ok(machine instanceof ListMachine && machine.closed === 1, "closed once");
  }
  await cluster.crash("a");
  await cluster.restart("a");
  assert.equal((await cluster.status("a", 1)).state, "disabled", "it stays so after a restart");
  const started = cluster.client("a").control({ kind: "startGroup", group: 1 });
  await cluster.run();
  assert.equal(started.failure().code, "ERR_GROUP_DISABLED");
  await cluster.close();
});

test("exceptions in onRole, query, digest and close end nothing", async () => {
  const cluster = await ShardCluster.start({
    nodes: ["a"],
    createStateMachine: () => {
      const list = new ListMachine();
      const fault = (): never => {
        throw new Error("broken hook");
      };
      return {
        apply: (entry) => list.apply(entry),
        query: fault,
        digest: fault,
        onRole: fault,
        close: fault,
      };
    },
  });
  await cluster.createGroup("a", 1);
  const client = cluster.client("a");
  const write = client.propose(1, "x");
  const read = client.read(1, "");
  const local = client.readLocal(1, "");
  const digest = client.control({ kind: "digest", group: 1 });
  await cluster.run();
  assert.deepEqual(write.results(), ["1"]);
  for (const call of [read, local, digest]) assert.equal(call.failure().code, "ERR_QUERY_FAILED");
  const hooks = client.events.filter(({ kind }) => kind === "hookFailed");
  assert.ok(hooks.length > 0);
  client.control({ kind: "stopGroup", group: 1 });
  client.control({ kind: "startGroup", group: 1 });
  await cluster.run();
  await cluster.awaitLeader(1);
  await cluster.close();
});

/**
 * As a module in plain JavaScript may have it: what JSON.parse returns has no type that would
 * object.
 */
const wrongMachines: Record<string, CreateStateMachine> = {
  nothing: () => JSON.parse("null"),
  "a number": () => JSON.parse("7"),
  "an object without query": () => Object.assign(JSON.parse("{}"), { apply: () => undefined }),
};

for (const [what, createStateMachine] of Object.entries(wrongMachines)) {
  test(`createStateMachine that returns ${what} fails the creation, with the reason`, async () => {
    const cluster = await ShardCluster.start({
      nodes: ["a"],
      createStateMachine,
    });
    const call = cluster.client("a").control({
      kind: "createGroup",
      group: 1,
      members: ["a"],
      timeoutMs: 1_000,
      campaign: true,
    });
    await cluster.settle([call]);
    assert.equal(call.failure().code, "ERR_GROUP_CREATE_FAILED");
    assert.match(call.failure().message, /must return an object with apply\(\) and query\(\)/);
    await cluster.close();
  });
}

test("onRole is told each change, and the machine is closed once", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  const machine = cluster.machines.get("a 1");
  assert.ok(machine instanceof ListMachine);
  assert.equal(machine.roles.at(-1), "leader");
  cluster.client("a").control({ kind: "resign", group: 1 });
  await cluster.run();
  assert.equal(machine.roles.at(-1), "follower");
  await cluster.close();
  assert.equal(machine.closed, 1);
});

test("a shard that cannot listen closes the machines of its groups again", async (t) => {
  const machines: ListMachine[] = [];
  const cluster = await ShardCluster.start({
    createStateMachine: () => {
      const machine = new ListMachine();
      machines.push(machine);
      return machine;
    },
  });
  for (const group of [1, 2]) await cluster.createGroup("a", group);
  await cluster.crash("a");
  machines.length = 0;
  t.mock.method(MemoryTransport.prototype, "listen", () => Promise.reject(new Error("taken")), {
    times: 1,
  });
  await assert.rejects(cluster.boot("a"), /taken/);
  assert.deepEqual(
    machines.map(({ closed }) => closed),
    [1, 1],
  );
  await cluster.restart("a");
  await cluster.awaitLeader(1);
  await cluster.close();
});

test("a call before the command that disables its replica keeps the answer that it had", async () => {
  const cluster = await ShardCluster.start({ options: { applyError: "disable" } });
  await cluster.createGroup("a", 1);
  const client = cluster.client("a", 1);
  const first = client.propose(1, "x");
  const poison = client.propose(1, "poison");
  const last = client.propose(1, "y");
  await cluster.run();
  assert.deepEqual(first.results(), ["1"]);
  for (const call of [poison, last]) {
    assert.equal(call.failure().code, "ERR_GROUP_DISABLED");
    assert.equal(call.failure().outcome, "unknown");
  }
  await cluster.close();
});

/** A machine whose commands and queries take as many ms of the cluster's clock as they say. */
class SlowMachine {
  private readonly pass: (ms: number) => void;
  applied = 0;

  constructor(pass: (ms: number) => void) {
    this.pass = pass;
  }

  apply({ command }: Entry): Uint8Array {
    this.pass(Number(Buffer.from(command).toString()));
    this.applied += 1;
    return Buffer.from(String(this.applied));
  }

  query(query: Uint8Array): Uint8Array {
    this.pass(Number(Buffer.from(query).toString()));
    return Buffer.from(String(this.applied));
  }
}

async function startSlow(): Promise<ShardCluster> {
  const cluster: ShardCluster = await ShardCluster.start({
    nodes: ["a"],
    createStateMachine: () =>
      new SlowMachine((ms) => {
        cluster.nowMs += ms;
      }),
  });
  for (const group of [1, 2]) await cluster.createGroup("a", group);
  return cluster;
}

test("a machine that is slow to apply or to answer holds up its neighbours for one slice at most", async () => {
  const cluster = await startSlow();
  const client = cluster.client("a", 1);
  const slow = client.proposeBatch(1, new Array<string>(2_000).fill("1"));
  const reads = Array.from({ length: 300 }, () => client.readLocal(1, "1"));
  const quick = client.propose(2, "0");
  const other = client.readLocal(2, "0");
  await cluster.settle([slow, quick, other, ...reads]);
  const placeOf = (call: Call): number => client.answered.indexOf(call);
  for (const call of [quick, other]) {
    assert.ok(placeOf(call) < placeOf(slow), "a quick call does not wait for a slow one");
    assert.ok(placeOf(call) < 100, `${placeOf(call)} slow reads came first`);
  }
  assert.ok(placeOf(slow) > 100, "reads of its own group come between its slices");
  assert.deepEqual(
    slow.results(),
    Array.from({ length: 2_000 }, (_, at) => String(at + 1)),
    "each entry is applied once, in order, though slices end within a block",
  );
  await cluster.close();
});

test("work of a machine that takes longer than an election is told, with its group", async () => {
  const cluster = await startSlow();
  const client = cluster.client("a", 1);
  const electionMs = 10 * cluster.options.tickMs;
  await cluster.settle([client.propose(2, "1"), client.propose(1, String(electionMs / 2))]);
  const slow = client.proposeBatch(1, ["10", "10", "10", String(2 * electionMs), "10"]);
  await cluster.settle([slow]);
  const told = client.events.flatMap((event) => (event.kind === "machineSlow" ? [event] : []));
  assert.equal(told.length, 1);
  assert.ok(told[0] !== undefined && told[0].group === 1 && told[0].entries <= 5);
  assert.ok(told[0].tookMs >= 2 * electionMs);
  await cluster.close();
});
