/**
 * Segments under crashes of every kind, many lives one after another, in simulated time: two
 * commits in flight, of which a power cut keeps any sectors; kills in mid-write; failed flushes;
 * full disks; crashes while the store opens. What was acknowledged, and what an opened store has
 * shown, is there afterwards, and nothing but a state that the commits made.
 */
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { test } from "node:test";
import { Prng } from "../../src/base/index.ts";
import type { CommitBatch, LogStore } from "../../src/log/index.ts";
import { decodeEntries } from "../../src/raft/index.ts";
import { makeBlock } from "../../src/testing/index.ts";
import { SimulatedDisk } from "../../src/testing/sim/disk.ts";
import { pick } from "../../src/testing/sim/settings.ts";
import { Tally } from "../../src/testing/sim/tally.ts";
import { testIdentity } from "../fixtures/store-places.ts";
import { roundsOf, seededPrng } from "../integration/random-seed.ts";

const disks = roundsOf(20);
const livesEach = 40;
const group = 1;

/** One disk, its processes, and what they must find. */
class Trial {
  readonly tally = new Tally();
  private readonly prng: Prng;
  private readonly disk: SimulatedDisk;
  private readonly segmentBytes: number;
  private tasks: { atUs: number; run: () => void }[] = [];
  private nowUs = 0;
  private life = 0;
  private term = 1;
  /** States that may be found, oldest first; the first one is sure to be there, or a later one. */
  private states: (readonly string[])[] = [[]];

  constructor(seed: number, segmentBytes: number) {
    this.segmentBytes = segmentBytes;
    this.prng = new Prng(seed);
    this.disk = new SimulatedDisk(seed, this.tally, segmentBytes);
  }

  /** Opens, commits and crashes. Returns what was wrong. */
  async live(): Promise<string | undefined> {
    const { prng, disk } = this;
    this.life += 1;
    disk.faults.flushErrorRate = prng.chance(0.3) ? 0.3 : 0;
    disk.faults.full = prng.chance(0.1);
    const wrong = await this.run();
    disk.crash(prng.chance(0.6) ? "power" : "process");
    this.tasks = [];
    return wrong === undefined ? undefined : `life ${this.life}: ${wrong}`;
  }

  private async run(): Promise<string | undefined> {
    const { prng } = this;
    const store = this.open();
    const crashesEarly = prng.chance(0.2);
    let opened = false;
    let refused: string | undefined;
    store.open().then(
      () => (opened = true),
      (error: unknown) => (refused = String(error)),
    );
    await this.pass(crashesEarly ? prng.between(0, 1_500) : Number.POSITIVE_INFINITY);
    if (refused !== undefined) return isFailure(refused) ? undefined : refused;
    if (!opened) return undefined;
    const found = entriesOf(store);
    const at = this.states.findLastIndex((state) => state.join() === found.join());
    if (at === -1) {
      const states = this.states.map((state) => state.at(-1)).join(" ");
      return `found ${found.length} entries up to ${found.at(-1)}, not one of ${states}`;
    }
    // What it shows, it vouches for.
    this.states = [found];
    await this.commitSome(store);
    return undefined;
  }

  private async commitSome(store: LogStore): Promise<void> {
    const { prng } = this;
    let inFlight = 0;
    for (let commits = prng.between(0, 15); commits > 0; commits -= 1) {
      const { batch, state } = this.draw(this.states.at(-1) ?? []);
      this.states.push(state);
      inFlight += 1;
      store.commit(batch).then(
        () => {
          inFlight -= 1;
          this.states.splice(0, this.states.indexOf(state));
        },
        () => {},
      );
      await this.pass(this.nowUs + prng.between(0, 300));
      while (inFlight >= store.commitsInFlightMax && this.tasks.length > 0) await this.pass(0);
      if (inFlight >= store.commitsInFlightMax) return;
    }
    if (prng.chance(0.2)) {
      void store.close();
      await this.pass();
    }
  }

  /** Appends, or replaces the last entries, with what no other commit has written. */
  private draw(before: readonly string[]): { batch: CommitBatch; state: readonly string[] } {
    const { prng } = this;
    const first = prng.between(Math.max(1, before.length - 1), before.length + 2);
    if (first <= before.length) this.term += 1;
    const name = `${this.life}.${this.nowUs}.${prng.between(0, 1_000)}`;
    const bytes = pick(prng, [
      100,
      3_000,
      this.segmentBytes / 2,
      this.segmentBytes / 2,
      this.segmentBytes * 2,
    ]);
    const kept = before.slice(0, first - 1);
    // No zeros: each sector that is lost makes a difference.
    const filling = Buffer.alloc(prng.between(0, bytes + 1), name);
    const entry = Buffer.concat([Buffer.from(`${name};`), filling]);
    const blocks = [makeBlock(first, this.term, [entry])];
    const members = [{ node: "a", incarnation: 1 }];
    const descriptor = { group, members, state: "running", reason: "" } as const;
    const batch = {
      changes: [{ group, commit: 0, ballot: undefined, blocks }],
      descriptors: before.length === 0 || prng.chance(0.1) ? [descriptor] : [],
      removed: [],
    };
    return { batch, state: [...kept, name] };
  }

  private open(): LogStore {
    const life = this.life;
    const host = {
      prng: this.prng,
      after: (delayUs: number, task: () => void) => {
        const run = (): void => {
          if (this.life === life) task();
        };
        this.tasks.push({ atUs: this.nowUs + delayUs, run });
      },
    };
    const watcher = { written: () => {}, durable: () => {}, crashed: () => {} };
    return this.disk.openStore(host, { identity: testIdentity, durability: "strict" }, watcher);
  }

  /** Lets time pass up to a moment, but for at least one event. */
  private async pass(untilUs = Number.POSITIVE_INFINITY): Promise<void> {
    for (let first = true; ; first = false) {
      await nextTurn();
      this.tasks.sort((a, b) => a.atUs - b.atUs);
      const [next] = this.tasks;
      if (next === undefined || (!first && next.atUs > untilUs)) return;
      this.tasks.shift();
      this.nowUs = Math.max(this.nowUs, next.atUs);
      next.run();
    }
  }
}

/** Of a disk that fails or is full, as opposed to one that is damaged. */
function isFailure(error: string): boolean {
  return error.includes("EIO") || error.includes("ENOSPC");
}

function entriesOf(store: LogStore): string[] {
  const names: string[] = [];
  for (;;) {
    const [block] = store.read(group, names.length + 1, 1);
    if (block === undefined) return names;
    for (const entry of decodeEntries(block)) {
      names.push(Buffer.from(entry).toString().split(";")[0] ?? "");
    }
  }
}

test("segments keep what was acknowledged over power cuts, kills and failures", async (t) => {
  const prng = seededPrng(t, "segment-crashes");
  const wrong: string[] = [];
  const tally = new Tally();
  for (let number = 1; number <= disks; number += 1) {
    const trial = new Trial(prng.uint32(), pick(prng, [16_384, 65_536]));
    for (let life = 0; life < livesEach; life += 1) {
      const fault = await trial.live();
      if (fault === undefined) continue;
      wrong.push(`disk ${number}, ${fault}`);
      break;
    }
    tally.add(trial.tally);
  }
  assert.deepEqual(wrong, []);
  for (const name of ["kept", "lost", "torn"]) {
    const count = tally.faults.get(`unflushed write ${name} by a power cut`) ?? 0;
    assert.ok(count >= disks / 4, `${count} unflushed writes were ${name}`);
  }
});
