/**
 * ShardHandle with the other end of its mail in the hands of the test: what a worker does, and when
 * it dies.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { limits, resolveOptions } from "../../../src/base/index.ts";
import type { RaftError } from "../../../src/base/index.ts";
import { ShardHandle } from "../../../src/engine/shard-handle.ts";
import type { ShardCrash, ShardOwner } from "../../../src/engine/shard-handle.ts";
import type { ShardStart } from "../../../src/engine/shard-task.ts";
import { raftOptionTable } from "../../../src/raft/index.ts";
import {
  InHand,
  MailReader,
  MailWriter,
  answerKind,
  callKind,
  decodeTrusted,
  encodeTrusted,
  shardOptionTable,
} from "../../../src/shard/index.ts";
import type { ControlCall, ShardEvent, ShardTask } from "../../../src/shard/index.ts";

const settings = { timeoutMs: 60_000, forward: false, signal: undefined };
const bytesMax = 64 * 1_048_576;
const shardBytesMax = 4 * bytesMax;
const command = [new Uint8Array([1])];

/** A worker's life: from the start of its task to its end. */
class Worker {
  readonly task: ShardTask;
  readonly controls: { slot: number; call: ControlCall }[] = [];
  /** Sizes of the mails received. */
  readonly mailBytes: number[] = [];
  /** Slots of proposals received. */
  readonly proposals: number[] = [];
  readonly timeouts: number[] = [];
  readonly canceled: number[] = [];
  /** Bytes of answers that the engine says to have read. */
  readonly receipts: number[] = [];
  readonly ended: Promise<void>;
  readonly mail: MessagePort;
  end: () => void = () => {};
  crash: (error: Error) => void = () => {};

  constructor(task: ShardTask) {
    const { mail } = task;
    this.task = task;
    this.mail = mail;
    this.ended = new Promise((resolve, reject) => {
      this.end = resolve;
      this.crash = reject;
    });
    mail.on("message", (buffer: ArrayBuffer) => this.receive(buffer));
  }

  tell(event: ShardEvent): void {
    const bytes = encodeTrusted(event);
    const writer = new MailWriter();
    writer.begin(answerKind.event, bytes.length);
    writer.block(bytes);
    this.mail.postMessage(writer.take());
  }

  answer(slot: number, result: Uint8Array = new Uint8Array(0)): void {
    const writer = new MailWriter();
    writer.begin(answerKind.applied, result.length);
    writer.word(slot);
    writer.double(5);
    writer.word(1);
    writer.result(result, false);
    this.mail.postMessage(writer.take());
  }

  private receive(buffer: ArrayBuffer): void {
    this.mailBytes.push(buffer.byteLength);
    const reader = new MailReader(buffer);
    while (!reader.done) {
      const kind = reader.word();
      if (kind === callKind.propose) {
        reader.word();
        this.proposals.push(reader.word());
        reader.word();
        this.timeouts.push(reader.word());
        reader.word();
        reader.block();
      } else if (kind === callKind.cancel) {
        this.canceled.push(reader.word());
      } else if (kind === callKind.receipt) {
        this.receipts.push(reader.double());
      } else {
        assert.equal(kind, callKind.control);
        const slot = reader.word();
        reader.block();
        this.controls.push({ slot, call: decodeTrusted<ControlCall>(reader.copy()) });
      }
    }
  }
}

class Owner implements ShardOwner {
  readonly workers: Worker[] = [];
  readonly restarts: number[] = [];
  readonly failures: RaftError[] = [];
  /** Ports that the workers were given; 0 lets the system choose. */
  readonly ports: number[] = [];

  run(task: ShardTask): Promise<void> {
    const worker = new Worker(task);
    this.workers.push(worker);
    return worker.ended;
  }

  taskOf({ shard, mail, port, inHand, held, watched }: ShardStart): ShardTask {
    this.ports.push(port ?? 0);
    return {
      mail,
      inHand,
      watch: watched,
      cluster: "test",
      node: "a",
      incarnation: 1,
      instance: 1,
      shard,
      shards: 1,
      dir: "",
      mark: "",
      durability: "none",
      store: "lmdb",
      segmentBytes: 65_536,
      mapBytes: 0,
      indexBytesMax: 0,
      preallocateBytes: 0,
      host: "127.0.0.1",
      port: port ?? 0,
      claimsPort: false,
      relayed: false,
      credentials: {},
      logStore: undefined,
      stateMachine: "",
      recovery: { recover: true, held },
      seed: 1,
      options: resolveOptions({ ...shardOptionTable, ...raftOptionTable }, {}),
    };
  }

  releasePort(): Promise<number> {
    return Promise.resolve(7_000);
  }

  onEvent(): void {}

  onCrash(_shard: ShardHandle, { restartInMs }: ShardCrash): void {
    this.restarts.push(restartInMs);
  }

  onFailure(_shard: ShardHandle, error: RaftError): void {
    this.failures.push(error);
  }

  get worker(): Worker {
    const worker = this.workers.at(-1);
    assert.ok(worker !== undefined, "a worker was started");
    return worker;
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, what);
    await nextTurn();
  }
}

const opened = { kind: "opened", port: 7_001, groups: [] } as const;

async function startUp(
  callsMax = 8,
  nowMs?: () => number,
): Promise<{ handle: ShardHandle; owner: Owner }> {
  const owner = new Owner();
  const handle = new ShardHandle(0, { callsMax, bytesMax, shardBytesMax }, owner, nowMs);
  const open = handle.open();
  owner.worker.tell(opened);
  await open;
  return { handle, owner };
}

/** The worker does as it is told: it ends when it is asked to close. */
async function closeWell(handle: ShardHandle, owner: Owner): Promise<void> {
  const { worker } = owner;
  const closed = handle.close();
  await until("it was told to close", () =>
    worker.controls.some(({ call }) => call.kind === "close"),
  );
  worker.end();
  await closed;
  assert.equal(handle.state, "closed");
}

test("ShardHandle closes a shard by mail and waits for its task, even with every call slot taken", async () => {
  const { handle, owner } = await startUp(2);
  const calls = [1, 2].map(() => handle.propose(1, command, settings));
  await assert.rejects(handle.propose(1, command, settings), { code: "ERR_BUSY" });
  const { length } = owner.worker.controls;
  const stats = handle.control({ kind: "stats" }, settings);
  await until("a full shard can be asked how it is", () => owner.worker.controls.length > length);
  const failures = calls.map((call) =>
    assert.rejects(call, { code: "ERR_ENGINE_CLOSED", outcome: "unknown" }),
  );
  failures.push(assert.rejects(stats, { code: "ERR_ENGINE_CLOSED", outcome: "none" }));
  await closeWell(handle, owner);
  await Promise.all(failures);
  const late = { code: "ERR_ENGINE_CLOSED", outcome: "none" };
  await assert.rejects(handle.propose(1, command, settings), late);
});

test("ShardHandle that is closed while its worker restarts closes it as soon as it is open", async () => {
  const { handle, owner } = await startUp();
  owner.worker.crash(new Error("gone"));
  await until("it was restarted", () => owner.workers.length === 2);
  const closed = handle.close();
  await nextTurn();
  assert.equal(owner.worker.controls.length, 0, "it could not hear yet");
  owner.worker.tell(opened);
  await until("it was told to close", () => owner.worker.controls.length > 0);
  assert.equal(owner.worker.controls[0]?.call.kind, "close");
  owner.worker.end();
  await closed;
  assert.equal(handle.state, "closed");
});

test("ShardHandle that is closed before the restart starts nothing any more", async () => {
  const { handle, owner } = await startUp();
  owner.worker.crash(new Error("gone"));
  await until("it is restarting", () => handle.state === "restarting");
  await handle.close();
  assert.equal(handle.state, "closed");
  assert.equal(owner.workers.length, 1);
});

test("ShardHandle fails the calls of a crashed worker as unknown, reads and new calls as none", async () => {
  const { handle, owner } = await startUp();
  const write = handle.propose(1, command, settings);
  const read = handle.read(1, [new Uint8Array(0)], settings);
  owner.worker.crash(new Error("gone"));
  await assert.rejects(write, { code: "ERR_SHARD_CRASHED", outcome: "unknown" });
  await assert.rejects(read, { code: "ERR_SHARD_CRASHED", outcome: "none" });
  const meanwhile = handle.propose(1, command, settings);
  await assert.rejects(meanwhile, { code: "ERR_SHARD_CRASHED", outcome: "none" });
  await until("it was restarted", () => owner.workers.length === 2);
  owner.worker.tell(opened);
  await until("it is up", () => handle.state === "up");
  await closeWell(handle, owner);
});

test("an answer of a crashed worker settles no call of its successor", async () => {
  const { handle, owner } = await startUp();
  const first = owner.worker;
  const write = handle.propose(1, command, settings);
  await until("the worker has it", () => first.proposals.length === 1);
  first.crash(new Error("gone"));
  await assert.rejects(write, { code: "ERR_SHARD_CRASHED" });
  await until("it was restarted", () => owner.workers.length === 2);
  owner.worker.tell(opened);
  await until("it is up", () => handle.state === "up");
  const next = handle.propose(1, command, settings);
  let settled = false;
  void next.finally(() => {
    settled = true;
  });
  await until("the worker has it", () => owner.worker.proposals.length === 1);
  first.answer(first.proposals[0] ?? 0);
  await nextTurn();
  assert.ok(!settled);
  owner.worker.answer(owner.worker.proposals[0] ?? 0);
  assert.equal((await next).index, 5);
  await closeWell(handle, owner);
});

test("ShardHandle backs off from a shard that crashes again and again, and forgives after a minute up", async () => {
  let nowMs = 0;
  const { handle, owner } = await startUp(8, () => nowMs);
  const crashAndReturn = async (): Promise<void> => {
    const { length } = owner.workers;
    owner.worker.crash(new Error("gone"));
    await until("it was restarted", () => owner.workers.length > length);
    owner.worker.tell(opened);
    await until("it is up", () => handle.state === "up");
  };
  await crashAndReturn();
  nowMs += 50_000;
  await crashAndReturn();
  assert.deepEqual(owner.restarts, [100, 200]);
  nowMs += 61_000;
  await crashAndReturn();
  assert.deepEqual(owner.restarts, [100, 200, 100]);
  await closeWell(handle, owner);
});

test("what a worker said before it ended counts, though its end is heard first", async () => {
  const owner = new Owner();
  const handle = new ShardHandle(0, { callsMax: 8, bytesMax, shardBytesMax }, owner);
  const open = handle.open();
  const error = {
    code: "ERR_STORE_CORRUPT",
    message: "damaged",
    outcome: "none",
    details: {},
  } as const;
  // Both in one turn: promises settle before the next message is read.
  owner.worker.tell({ kind: "openFailed", error });
  owner.worker.end();
  await assert.rejects(open, { code: "ERR_STORE_CORRUPT", message: "damaged" });
  const { handle: up, owner: its } = await startUp();
  const call = up.propose(1, command, settings);
  await until("the worker has it", () => its.worker.proposals.length === 1);
  its.worker.answer(its.worker.proposals[0] ?? 0);
  its.worker.crash(new Error("gone"));
  assert.equal((await call).index, 5, "it was answered before the crash");
  await up.close();
});

test("ShardHandle whose store failed stays down and says why", async () => {
  const { handle, owner } = await startUp();
  const write = handle.propose(1, command, settings);
  const message = "the disk is gone";
  const error = { code: "ERR_STORE_FAILED", message, outcome: "unknown", details: {} } as const;
  owner.worker.tell({ kind: "failed", error });
  await assert.rejects(write, { code: "ERR_STORE_FAILED", outcome: "unknown" });
  assert.equal(handle.state, "failed");
  assert.equal(owner.failures.length, 1);
  const later = handle.propose(1, command, settings);
  await assert.rejects(later, { code: "ERR_STORE_FAILED", outcome: "none", message });
  owner.worker.end();
  await handle.close();
});

test("ShardHandle rejects its opening with what the worker said, and with its crash", async () => {
  const owner = new Owner();
  const refused = new ShardHandle(0, { callsMax: 8, bytesMax, shardBytesMax }, owner);
  const open = refused.open();
  const error = {
    code: "ERR_PORT_IN_USE",
    message: "taken",
    outcome: "none",
    details: {},
  } as const;
  owner.worker.tell({ kind: "openFailed", error });
  await assert.rejects(open, { code: "ERR_PORT_IN_USE", outcome: "none" });
  owner.worker.end();
  await refused.close();
  const crashed = new ShardHandle(0, { callsMax: 8, bytesMax, shardBytesMax }, owner);
  const again = crashed.open();
  owner.worker.crash(new Error("gone"));
  await until("it was tried once more", () => owner.workers.length === 3);
  owner.worker.crash(new Error("gone"));
  await assert.rejects(again, { code: "ERR_SHARD_CRASHED" });
  await crashed.close();
});

test("ShardHandle tries an opening again that ended at work for a group, and has it held then", async () => {
  const owner = new Owner();
  const handle = new ShardHandle(0, { callsMax: 8, bytesMax, shardBytesMax }, owner);
  const open = handle.open();
  for (const crashes of [1, 2]) {
    assert.deepEqual(owner.worker.task.recovery.held, []);
    new InHand(owner.worker.task.inHand).take(7);
    owner.worker.crash(new Error("gone"));
    await until("it was started again", () => owner.workers.length === crashes + 1);
    assert.equal(handle.state, "opening");
  }
  assert.deepEqual(
    owner.worker.task.recovery.held.map(({ group }) => group),
    [7],
  );
  assert.deepEqual(owner.worker.task.recovery.held, handle.held);
  owner.worker.tell(opened);
  await open;
  owner.worker.tell({ kind: "groupStarted", group: 7, members: ["a"] });
  await until("it was started by hand", () => handle.held.length === 0);
  await closeWell(handle, owner);
});

test("ShardHandle rejects an opening that a held group ends all the same", async () => {
  const owner = new Owner();
  const handle = new ShardHandle(0, { callsMax: 8, bytesMax, shardBytesMax }, owner);
  const rejected = assert.rejects(handle.open(), { code: "ERR_SHARD_CRASHED" });
  for (const crashes of [1, 2, 3]) {
    await until("it was started", () => owner.workers.length === crashes);
    new InHand(owner.worker.task.inHand).take(7);
    owner.worker.crash(new Error("gone"));
  }
  await rejected;
  assert.equal(handle.state, "failed");
  await handle.close();
});

test("ShardHandle posts a burst of large commands in pieces of some MiB", async () => {
  const { handle, owner } = await startUp(64);
  const megabyte = [new Uint8Array(1_048_576)];
  const calls = Array.from({ length: 20 }, () => handle.propose(1, megabyte, settings));
  await until("all have arrived", () => owner.worker.proposals.length === calls.length);
  const largest = Math.max(...owner.worker.mailBytes);
  for (const slot of owner.worker.proposals) owner.worker.answer(slot);
  await Promise.all(calls);
  await closeWell(handle, owner);
  assert.ok(largest <= 2 * limits.mailBytesMax, `a mail of ${largest} bytes`);
});

test("ShardHandle tells its shard how much it has read of its answers, half of their share at a time", async (t) => {
  const owner = new Owner();
  const bounds = { callsMax: 10, bytesMax, shardBytesMax: 16_384 };
  const handle = new ShardHandle(0, bounds, owner);
  const open = handle.open();
  owner.worker.tell(opened);
  await open;
  t.after(() => closeWell(handle, owner));
  const answerOne = async (bytes: number): Promise<void> => {
    const call = handle.propose(1, command, settings);
    const { worker } = owner;
    const count = worker.proposals.length;
    await until("the proposal arrives", () => worker.proposals.length > count);
    worker.answer(worker.proposals.at(-1) ?? 0, new Uint8Array(bytes));
    await call;
  };
  await answerOne(500);
  await answerOne(100);
  await until("the receipt arrives", () => owner.worker.receipts.length === 1);
  assert.deepEqual(owner.worker.receipts, [504 + 104]);
  await answerOne(500);
  owner.worker.crash(new Error("gone"));
  await until("it is started again", () => owner.workers.length === 2);
  owner.worker.tell(opened);
  await until("it is up again", () => handle.state === "up");
  // What the first worker answered is nothing to the second.
  await answerOne(510);
  await until("the receipt arrives", () => owner.worker.receipts.length === 1);
  assert.deepEqual(owner.worker.receipts, [512 + 4]);
});

test("an answer that has arrived counts, though this thread stalled past the call's deadline", async () => {
  const owner = new Owner();
  const handle = new ShardHandle(0, { callsMax: 10, bytesMax, shardBytesMax }, owner);
  const open = handle.open();
  owner.worker.tell(opened);
  await open;
  const call = handle.propose(1, command, { ...settings, timeoutMs: 30 });
  await until("the proposal arrives", () => owner.worker.proposals.length === 1);
  owner.worker.answer(owner.worker.proposals[0] ?? 0);
  // Timers are due before the message is told.
  const stalledUntil = performance.now() + 60;
  while (performance.now() < stalledUntil);
  assert.equal((await call).index, 5);
  const closed = handle.close();
  owner.worker.end();
  await closed;
});

test("a comeback that fails for a passing reason is tried again, on another port if the system chose it", async () => {
  const { handle, owner } = await startUp();
  assert.equal(handle.port, opened.port);
  owner.worker.crash(new Error("gone"));
  const passing = [
    { code: "ERR_PORT_IN_USE", details: {} },
    { code: "ERR_STORE_FAILED", details: { systemCode: "EMFILE" } },
  ] as const;
  for (const [at, { code, details }] of passing.entries()) {
    await until("it is started again", () => owner.workers.length === at + 2);
    assert.equal(owner.ports.at(-1), at === 0 ? opened.port : 0);
    const error = { code, message: "not now", outcome: "none", details } as const;
    owner.worker.tell({ kind: "openFailed", error });
    owner.worker.end();
    await until("it is tried again later", () => owner.restarts.length === at + 2);
    assert.equal(handle.state, "restarting");
  }
  await until("it is started again", () => owner.workers.length === passing.length + 2);
  owner.worker.tell(opened);
  await until("it is up", () => handle.state === "up");
  assert.deepEqual(owner.failures, []);
  await closeWell(handle, owner);
});

test("a comeback onto a damaged store is a failure for good", async () => {
  const { handle, owner } = await startUp();
  owner.worker.crash(new Error("gone"));
  await until("it is started again", () => owner.workers.length === 2);
  const error = {
    code: "ERR_STORE_CORRUPT",
    message: "bad",
    outcome: "none",
    details: {},
  } as const;
  owner.worker.tell({ kind: "openFailed", error });
  owner.worker.end();
  await until("it has failed", () => handle.state === "failed");
  assert.equal(handle.failed?.code, "ERR_STORE_CORRUPT");
  await handle.close();
});

test("a call that is aborted before its mail leaves has no effect; later the shard is told to drop it", async () => {
  const { handle, owner } = await startUp();
  const abort = new AbortController();
  const first = handle.propose(1, command, { ...settings, signal: abort.signal });
  abort.abort();
  await assert.rejects(first, { code: "ERR_ABORTED", outcome: "none" });
  await until("its mail has left", () => owner.worker.timeouts.length === 1);
  assert.deepEqual([owner.worker.timeouts, owner.worker.canceled], [[0], []]);
  const later = new AbortController();
  const second = handle.propose(1, command, { ...settings, signal: later.signal });
  await until("its mail has left", () => owner.worker.timeouts.length === 2);
  later.abort();
  await assert.rejects(second, { code: "ERR_ABORTED", outcome: "unknown" });
  await until("the shard is told", () => owner.worker.canceled.length === 1);
  assert.equal(owner.worker.canceled[0], owner.worker.proposals[1]);
  await closeWell(handle, owner);
});

test("ShardHandle answers a shard that claims its port once nobody listens there, and not before", async () => {
  const owner = new Owner();
  let release: (port: number) => void = () => {};
  owner.releasePort = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  const handle = new ShardHandle(0, { callsMax: 8, bytesMax, shardBytesMax }, owner);
  const open = handle.open();
  const answers: unknown[] = [];
  owner.worker.mail.removeAllListeners("message");
  owner.worker.mail.on("message", (answer: unknown) => answers.push(answer));
  owner.worker.tell({ kind: "claimsPort" });
  await nextTurn();
  assert.deepEqual(answers, []);
  release(7_001);
  await until("it is answered", () => answers.length === 1);
  assert.deepEqual(answers, [7_001]);
  owner.worker.tell(opened);
  await open;
  const closed = handle.close();
  owner.worker.end();
  await closed;
});
