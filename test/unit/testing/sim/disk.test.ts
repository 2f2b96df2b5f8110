import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { test } from "node:test";
import { Prng, RaftError } from "../../../../src/base/index.ts";
import type { CommitBatch, Durability, LogStore } from "../../../../src/log/index.ts";
import { logStoreSuite, makeBlock } from "../../../../src/testing/index.ts";
import { SimulatedDisk } from "../../../../src/testing/sim/disk.ts";
import type { DiskHost, DiskWatcher } from "../../../../src/testing/sim/disk.ts";
import { Tally } from "../../../../src/testing/sim/tally.ts";
import { testIdentity } from "../../../fixtures/store-places.ts";

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);
const ignoring: DiskWatcher = { written: () => {}, durable: () => {}, crashed: () => {} };

/** A disk, the processes on it one after another, and simulated time. */
class Rig {
  readonly disk: SimulatedDisk;
  readonly told: string[] = [];
  nowUs = 0;
  blockedUntilUs = 0;
  private readonly durability: Durability;
  private readonly prng: Prng;
  private running = { alive: false };
  private tasks: { atUs: number; run: () => void }[] = [];

  constructor(seed = 1, durability: Durability = "strict", segmentBytes = 0) {
    this.disk = new SimulatedDisk(seed, new Tally(), segmentBytes);
    this.durability = durability;
    this.prng = new Prng(seed);
  }

  /** Opens a store in a new process. */
  async open(): Promise<{ store: LogStore; lastIndex: number }> {
    const store = this.make();
    const [group] = await this.settled(store.open());
    return { store, lastIndex: group?.lastIndex ?? 0 };
  }

  make(): LogStore {
    const process = { alive: true };
    this.running = process;
    const host: DiskHost = {
      prng: this.prng,
      after: (delayUs, task) => {
        const run = (): void => {
          if (process.alive) task();
        };
        this.tasks.push({ atUs: this.nowUs + delayUs, run });
      },
      block: (delayUs) => {
        this.blockedUntilUs = this.nowUs + delayUs;
      },
      unblock: () => {
        this.blockedUntilUs = this.nowUs;
      },
    };
    return this.disk.openStore(
      host,
      { identity: testIdentity, durability: this.durability },
      {
        written: (sequence) => this.told.push(`written ${sequence}`),
        durable: (sequence) => this.told.push(`durable ${sequence}`),
        crashed: (keptThrough) => this.told.push(`crashed ${keptThrough}`),
      },
    );
  }

  crash(kind: "process" | "power"): void {
    this.running.alive = false;
    this.disk.crash(kind);
  }

  /** Lets time pass, with everything that follows, until nothing is left or `untilUs` is over. */
  async pass(untilUs = Number.POSITIVE_INFINITY): Promise<void> {
    for (;;) {
      await nextTurn();
      this.tasks.sort((a, b) => a.atUs - b.atUs);
      const [next] = this.tasks;
      if (next === undefined || next.atUs > untilUs) return;
      this.tasks.shift();
      this.nowUs = next.atUs;
      next.run();
    }
  }

  /** Lets so many things happen, and ends the process before anything can follow from the last. */
  async crashAfter(events: number): Promise<void> {
    for (let left = events; left > 0; left -= 1) {
      await nextTurn();
      this.tasks.sort((a, b) => a.atUs - b.atUs);
      const next = this.tasks.shift();
      if (next === undefined) break;
      this.nowUs = next.atUs;
      next.run();
    }
    this.crash("process");
  }

  async settled<T>(done: Promise<T>): Promise<T> {
    done.catch(() => {});
    await this.pass();
    return done;
  }

  /** A commit after a settled one; says whether it was acknowledged. */
  async commit(store: LogStore, first: number): Promise<boolean> {
    return this.settled(
      store.commit(batchOf(first)).then(
        () => true,
        () => false,
      ),
    );
  }

  faults(name: string): number {
    return this.disk.tally.faults.get(name) ?? 0;
  }
}

function batchOf(first: number, text = `entry ${first}`): CommitBatch {
  const blocks = [makeBlock(first, 1, [Buffer.from(text)])];
  const members = [{ node: "a", incarnation: 1 }];
  return {
    changes: [{ group: 1, commit: 0, ballot: undefined, blocks }],
    descriptors: first === 1 ? [{ group: 1, members, state: "running", reason: "" }] : [],
    removed: [],
  };
}

/** A store with so many commits, all of them durable. */
async function filled(rig: Rig, commits: number): Promise<LogStore> {
  const { store } = await rig.open();
  for (let first = 1; first <= commits; first += 1) assert.ok(await rig.commit(store, first));
  return store;
}

async function assertRefuses(rig: Rig, code: string): Promise<void> {
  await assert.rejects(rig.settled(rig.make().open()), (error) => {
    assert.ok(error instanceof RaftError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
  rig.crash("process");
}

const forms = [
  { durability: "strict", segmentBytes: 0 },
  { durability: "pipelined", segmentBytes: 0 },
  { durability: "none", segmentBytes: 0 },
  { durability: "strict", segmentBytes: 65_536 },
  { durability: "none", segmentBytes: 65_536 },
] as const;

for (const { durability, segmentBytes } of forms) {
  const createPlace = async () => {
    const disk = new SimulatedDisk(1, new Tally(), segmentBytes);
    const host: DiskHost = { prng: new Prng(1), after: (_us, task) => void setImmediate(task) };
    const options = { identity: testIdentity, durability };
    let endProcess = (): void => {};
    const openStore = (): LogStore => {
      endProcess();
      const store = disk.openStore(host, options, ignoring);
      // A process that is gone answers nobody: who waits for it hears of its end instead.
      const ended = new Promise<never>((_, reject) => {
        endProcess = () => reject(new Error("the process is gone"));
      });
      ended.catch(() => {});
      const commit = store.commit.bind(store);
      store.commit = (batch) => Promise.race([commit(batch), ended]);
      return store;
    };
    return { store: openStore, remove: async () => {} };
  };
  for (const { name, run } of logStoreSuite(createPlace)) {
    test(`SimulatedDisk, ${durability}, segments of ${segmentBytes}: ${name}`, run);
  }
}

test("a strict commit can be read at once, and resolves when it is durable", async () => {
  const rig = new Rig();
  const { store } = await rig.open();
  rig.told.length = 0;
  const done = store.commit(batchOf(1)).then(() => rig.told.push("resolved"));
  assert.equal(store.read(1, 1, 1).length, 1);
  await rig.pass(rig.nowUs + 100);
  assert.deepEqual(rig.told, ["written 1"]);
  await rig.settled(done);
  assert.deepEqual(rig.told, ["written 1", "durable 1", "resolved"]);
});

test("a pipelined commit is durable with the next one's flush, or an idle one", async () => {
  const rig = new Rig(1, "pipelined");
  const { store } = await rig.open();
  rig.told.length = 0;
  const say = (text: string) => (): void => void rig.told.push(text);
  const done = [store.commit(batchOf(1)).then(say("resolved 1"))];
  done.push(store.commit(batchOf(2)).then(say("resolved 2")));
  await rig.settled(Promise.all(done));
  const expected = ["written 1", "written 2", "durable 1", "resolved 1", "durable 2", "resolved 2"];
  assert.deepEqual(rig.told, expected);
});

test("a killed process leaves what it wrote, and has no effect any more", async () => {
  const rig = new Rig();
  const old = await filled(rig, 1);
  let settled = false;
  void old.commit(batchOf(2)).finally(() => (settled = true));
  rig.crash("process");
  assert.equal(rig.told.at(-1), "crashed 2");
  await rig.pass();
  assert.equal(settled, false);
  const { lastIndex } = await rig.open();
  assert.equal(lastIndex, 2);
  await assert.rejects(old.commit(batchOf(3)), /shut out/);
  assert.throws(() => old.read(1, 1, 1), /shut out/);
  await old.close();
  rig.crash("power");
  assert.equal((await rig.open()).lastIndex, 2);
});

test("a power cut keeps what is durable and a first part of the rest", async () => {
  const found = new Set<number>();
  for (const seed of seeds) {
    const rig = new Rig(seed, "pipelined");
    const store = await filled(rig, 2);
    void store.commit(batchOf(3));
    void store.commit(batchOf(4));
    rig.crash("power");
    const { lastIndex } = await rig.open();
    assert.equal(
      rig.told.find((line) => line.startsWith("crashed")),
      `crashed ${lastIndex}`,
    );
    found.add(lastIndex);
  }
  assert.deepEqual(
    [...found].sort((a, b) => a - b),
    [2, 3, 4],
  );
});

test("a power cut keeps what segments have flushed and any sectors of the rest", async () => {
  const found = new Set<number>();
  for (const seed of seeds) {
    const rig = new Rig(seed, "strict", 65_536);
    const store = await filled(rig, 2);
    void store.commit(batchOf(3));
    void store.commit(batchOf(4));
    rig.crash("power");
    const { lastIndex } = await rig.open();
    const told = rig.told.find((line) => line.startsWith("crashed"));
    assert.equal(told, `crashed ${lastIndex}`, `seed ${seed}`);
    found.add(lastIndex);
  }
  assert.deepEqual(
    [...found].sort((a, b) => a - b),
    [2, 3, 4],
  );
});

test("two commits of segments are on their way at once, and are told of in order", async () => {
  const orders = new Set<string>();
  for (const seed of seeds) {
    const rig = new Rig(seed, "strict", 65_536);
    const store = await filled(rig, 1);
    rig.told.length = 0;
    const say = (text: string) => (): void => void rig.told.push(text);
    const done = [2, 3].map((first) => store.commit(batchOf(first)).then(say(`resolved ${first}`)));
    await rig.settled(Promise.all(done));
    assert.deepEqual(
      rig.told.filter((line) => line.startsWith("resolved")),
      ["resolved 2", "resolved 3"],
    );
    orders.add(rig.told.join());
  }
  // Where the second is durable first, both are told when the first is.
  assert.ok(orders.size > 1, [...orders].join("; "));
});

test("a process that ends between a write and what follows from it leaves nothing unsettled", async (t) => {
  const large = "x".repeat(9_000);
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  t.after(() => process.off("unhandledRejection", note));
  for (let events = 1; events <= 20; events += 1) {
    const rig = new Rig(events, "strict", 16_384);
    const store = await filled(rig, 1);
    const answers = [2, 3, 4].map((first) => store.commit(batchOf(first, large)));
    for (const answer of answers) answer.catch(() => {});
    await rig.crashAfter(events);
    await rig.pass();
    const { lastIndex } = await rig.open();
    assert.ok(lastIndex >= 1);
  }
  assert.deepEqual(unhandled, []);
});

test("a commit that an opened store has shown is never lost again, also after a failed flush", async () => {
  for (const durability of ["strict", "pipelined"] as const) {
    let [readable, unreadable, held] = [0, 0, 0];
    for (const seed of seeds) {
      const rig = new Rig(seed, durability);
      const store = await filled(rig, 2);
      rig.disk.faults.flushErrorRate = 1;
      assert.equal(await rig.commit(store, 3), false);
      assert.equal(await rig.commit(store, 3), false);
      rig.disk.faults.flushErrorRate = 0;
      rig.crash("process");
      const shown = (await rig.open()).lastIndex;
      rig.crash("power");
      assert.equal((await rig.open()).lastIndex, shown, `seed ${seed}, ${durability}`);
      readable += rig.faults("flush failed, its transaction readable");
      unreadable += rig.faults("flush failed, its transaction not readable");
      held += rig.faults("unflushed transaction held for written");
      assert.equal(shown, 2 + rig.faults("flush failed, its transaction readable"));
    }
    assert.ok(readable > 0 && unreadable > 0, `${readable} readable, ${unreadable} not`);
    assert.equal(held, 0);
  }
});

test("a failed idle flush may leave a commit that no later flush writes", async () => {
  let [lost, held] = [0, 0];
  for (const seed of seeds) {
    const rig = new Rig(seed, "pipelined");
    const store = await filled(rig, 1);
    const done = store.commit(batchOf(2));
    rig.disk.faults.flushErrorRate = 1;
    await assert.rejects(rig.settled(done), /flush the log/);
    rig.disk.faults.flushErrorRate = 0;
    const wasHeld = rig.faults("unflushed transaction held for written") > 0;
    rig.crash("power");
    const { lastIndex } = await rig.open();
    if (wasHeld) assert.equal(lastIndex, 1, "its meta page does not reach the disk by itself");
    held += wasHeld ? 1 : 0;
    lost += 2 - lastIndex;
  }
  assert.ok(held > 0 && lost > held && lost < seeds.length, `${held} held, ${lost} lost`);
});

test("a failed write leaves nothing and kills the store; the next one works", async () => {
  const rig = new Rig();
  const store = await filled(rig, 1);
  rig.disk.faults.writeErrorRate = 1;
  assert.equal(await rig.commit(store, 2), false);
  rig.disk.faults.writeErrorRate = 0;
  assert.equal(await rig.commit(store, 2), false);
  assert.equal(rig.faults("write failed"), 1);
  rig.crash("process");
  const { store: next, lastIndex } = await rig.open();
  assert.equal(lastIndex, 1);
  assert.ok(await rig.commit(next, 2));
});

test("a full disk refuses writes until there is space", async () => {
  const rig = new Rig();
  const store = await filled(rig, 1);
  rig.disk.faults.full = true;
  await assert.rejects(store.commit(batchOf(2)), /ENOSPC/);
  rig.crash("process");
  await assertRefuses(rig, "ERR_STORE_FAILED");
  rig.disk.faults.full = false;
  assert.equal((await rig.open()).lastIndex, 1);
  assert.equal(rig.faults("write refused by a full disk"), 2);
});

test("a failed read is told to who reads, and ends opening", async () => {
  const rig = new Rig();
  await filled(rig, 1);
  rig.crash("process");
  const { store } = await rig.open();
  rig.disk.faults.readErrorRate = 1;
  assert.throws(() => store.read(1, 1, 1), /Cannot read record 1: EIO/);
  rig.crash("process");
  await assertRefuses(rig, "ERR_STORE_FAILED");
  assert.equal(rig.faults("read failed"), 2);
});

test("a stalled disk settles nothing until it goes on, and then in order", async () => {
  for (const blocking of [false, true]) {
    const rig = new Rig();
    const store = await filled(rig, 1);
    Object.assign(rig.disk.faults, { blocking });
    rig.disk.stall();
    let settled = false;
    const done = store.commit(batchOf(2)).then(() => (settled = true));
    await rig.pass();
    assert.equal(settled, false);
    assert.equal(rig.blockedUntilUs === Number.POSITIVE_INFINITY, blocking);
    assert.equal(rig.faults("flush stalled"), 1);
    rig.disk.resume();
    await rig.settled(done);
    assert.ok(rig.blockedUntilUs <= rig.nowUs);
    assert.equal(rig.told.at(-1), "durable 2");
  }
});

test("a flush takes about as long as it should, with a tail, and may block the process", async () => {
  const rig = new Rig();
  const store = await filled(rig, 1);
  Object.assign(rig.disk.faults, { commitUs: 1_000, blocking: true });
  const startUs = rig.nowUs;
  const done = store.commit(batchOf(2));
  assert.ok(rig.blockedUntilUs >= startUs + 500 && rig.blockedUntilUs <= startUs + 1_500);
  await rig.settled(done);
  assert.equal(rig.nowUs, rig.blockedUntilUs);
  Object.assign(rig.disk.faults, { commitTailRate: 1, commitTailUs: 1_000_000 });
  assert.ok(await rig.commit(store, 3));
  assert.equal(rig.faults("slow flush"), 1);
});

/** What the next store tells of its group, or the code with which it refuses. */
function damageFound(rig: Rig): Promise<string | undefined> {
  return rig.settled(rig.make().open()).then(
    ([group]) => group?.damage,
    (error: unknown) => {
      assert.ok(error instanceof RaftError, String(error));
      assert.match(error.code, /ERR_STORE_CORRUPT|ERR_DATA_DIR_VERSION/, error.message);
      return error.code;
    },
  );
}

test("bits that rot on the disk are found at open", async () => {
  const places = new Set<string>();
  for (const seed of seeds) {
    const rig = new Rig(seed);
    await filled(rig, 3);
    rig.crash("process");
    const place = rig.disk.rot(new Prng(seed));
    assert.ok(place !== undefined);
    places.add(place);
    assert.ok(rig.disk.harmed);
    assert.ok((await damageFound(rig)) !== undefined, `${place} has rotted`);
    assert.equal(rig.faults("bits rotted"), 1);
  }
  assert.equal(places.size, 5);
});

for (const segmentBytes of [0, 16_384]) {
  test(`bits of an entry that rot are damage of its group, and the store opens (segments of ${segmentBytes})`, async () => {
    for (const seed of seeds) {
      const rig = new Rig(seed, "strict", segmentBytes);
      await filled(rig, 3);
      rig.crash("process");
      assert.ok(!rig.disk.harmed);
      assert.match(rig.disk.rot(new Prng(seed), "entry") ?? "", /an entry in/);
      const [group] = await rig.settled(rig.make().open());
      assert.match(group?.damage ?? "", /wrong checksum/);
      assert.equal(group?.lastIndex, 3);
      assert.equal(rig.faults("bits of an entry rotted"), 1);
    }
  });
}

test("an old image of the disk comes back as it was", async () => {
  const rig = new Rig();
  const store = await filled(rig, 1);
  const image = rig.disk.image();
  assert.ok(await rig.commit(store, 2));
  rig.crash("power");
  rig.disk.restore(image);
  const next = await rig.open();
  assert.equal(next.lastIndex, 1);
  assert.ok(await rig.commit(next.store, 2));
  rig.crash("power");
  rig.disk.restore(image);
  assert.equal((await rig.open()).lastIndex, 1);
});

test("a disk that lies loses acknowledged commits at a power cut, or tears them, which is found", async () => {
  let [dropped, torn] = [0, 0];
  for (const seed of seeds) {
    const rig = new Rig(seed);
    const store = await filled(rig, 1);
    rig.disk.faults.lieRate = 1;
    assert.ok(await rig.commit(store, 2));
    assert.equal(rig.told.at(-1), "durable 2");
    rig.disk.faults.lieRate = 0;
    rig.crash("power");
    assert.equal(rig.faults("flush that lied"), 1);
    torn += rig.faults("record torn by a power cut");
    dropped += rig.faults("acknowledged transaction dropped by the disk");
    assert.ok(rig.disk.harmed);
    if (rig.faults("record torn by a power cut") > 0) {
      assert.ok((await damageFound(rig)) !== undefined);
    } else {
      const expected = 2 - rig.faults("acknowledged transaction dropped by the disk");
      assert.equal((await rig.open()).lastIndex, expected);
    }
  }
  assert.ok(dropped > 0 && torn > 0, `${dropped} dropped, ${torn} torn`);
});

test("the same seed gives the same disk", async () => {
  const runs: string[] = [];
  for (let run = 0; run < 2; run += 1) {
    const rig = new Rig(7, "pipelined");
    Object.assign(rig.disk.faults, { flushErrorRate: 0.2, commitTailRate: 0.3, commitTailUs: 900 });
    let { store, lastIndex } = await rig.open().catch(() => rig.open());
    for (let step = 0; step < 20; step += 1) {
      if (await rig.commit(store, lastIndex + 1)) lastIndex += 1;
      else {
        rig.crash("power");
        rig.disk.faults.flushErrorRate = 0;
        ({ store, lastIndex } = await rig.open());
        rig.disk.faults.flushErrorRate = 0.2;
      }
    }
    runs.push(`${rig.nowUs} ${rig.told.join()} ${[...rig.disk.tally.faults].join()}`);
  }
  assert.equal(runs[0], runs[1]);
});
