/**
 * The promise of a commit resolves after the kernel has said that the commit is on disk: proved
 * from system calls.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Durability } from "../../src/log/index.ts";
import { makeTempDir } from "../fixtures/store-places.ts";
import { findEarlyAcknowledgements, isMetaWrite, saidLines } from "./flush-order.ts";
import { commitMarker } from "./store-workload.ts";
import type { WriterOptions } from "./store-writer.ts";
import { readTrace, runTraced, whyNotTraceable } from "./syscall-trace.ts";
import type { TracedCall } from "./syscall-trace.ts";

const commits = 60;
const obstacle = whyNotTraceable();
const writer = new URL("./store-writer.js", import.meta.url).pathname;

interface Traced {
  readonly calls: readonly TracedCall[];
  readonly dataFile: string;
}

/** Traces a writer on an existing or new directory. */
async function traceWriter(options: Omit<WriterOptions, "seed">): Promise<Traced> {
  const traceFile = `${options.dir}.trace`;
  try {
    await runTraced(traceFile, writer, JSON.stringify({ ...options, seed: 7 }));
    return { calls: await readTrace(traceFile), dataFile: join(options.dir, "data.mdb") };
  } finally {
    rmSync(traceFile, { force: true });
  }
}

async function findFaults(durability: Durability): Promise<string[]> {
  const dir = makeTempDir();
  try {
    const { calls, dataFile } = await traceWriter({
      dir,
      kind: "lmdb",
      durability,
      resumeAt: 0,
      commits,
    });
    const said = saidLines(calls);
    const acknowledgements = Array.from({ length: commits }, (_, at) => {
      const startedAt = said.get(`ack ${at + 1}`);
      assert.ok(startedAt !== undefined, `commit ${at + 1} is acknowledged`);
      return { name: `ack ${at + 1}`, marker: commitMarker(at + 1), startedAt };
    });
    return findEarlyAcknowledgements(calls, dataFile, acknowledgements);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** What of a trace of segments was said or done too early. */
function findEarlySegments(dir: string, calls: readonly TracedCall[]): string[] {
  const said = saidLines(calls);
  const faults: string[] = [];
  for (let commit = 1; commit <= commits; commit += 1) {
    const ackedAt = said.get(`ack ${commit}`) ?? 0;
    const write = calls.find(
      (call) => call.kind === "write" && call.ok && call.bytes.includes(commitMarker(commit)),
    );
    const durable = write?.kind === "write" && write.synchronous && write.endedAt < ackedAt;
    if (!durable) faults.push(`ack ${commit} was said before its frame was durable`);
  }
  const segments = new Set(calls.flatMap(({ file }) => (/\d\.seg$/.test(file) ? [file] : [])));
  const made = calls.filter(({ file, kind }) => kind === "flush" && file.endsWith("making.seg"));
  const named = calls.filter(({ file, kind }) => kind === "flush" && file === dir);
  for (const [at, segment] of [...segments].sort().entries()) {
    const usedAt = calls.find(({ file }) => file === segment)?.startedAt ?? 0;
    const flushedAt = made[at]?.endedAt ?? Number.POSITIVE_INFINITY;
    const nameAt = named.find(({ startedAt }) => startedAt > flushedAt)?.endedAt;
    if (nameAt === undefined || nameAt > usedAt) faults.push(`${segment} was used too early`);
  }
  return faults;
}

test("a commit in segments resolves after its frame is durable, in a file that was flushed with its name", async (t) => {
  if (obstacle !== undefined) return t.diagnostic(obstacle);
  for (const durability of ["strict", "none"] as const) {
    const dir = makeTempDir();
    try {
      const options = { dir, kind: "segments", durability, resumeAt: 0, commits } as const;
      const { calls } = await traceWriter(options);
      assert.ok(calls.some(({ file }) => file.endsWith("0000000002.seg")));
      const faults = findEarlySegments(dir, calls);
      // Without flushes the check finds every acknowledgement early.
      assert.equal(faults.length, durability === "strict" ? 0 : commits, faults.join("\n"));
    } finally {
      rmSync(dir, { recursive: true });
    }
  }
});

for (const durability of ["strict", "pipelined"] as const) {
  test(`a ${durability} commit resolves after record and meta page are flushed`, async (t) => {
    if (obstacle !== undefined) return t.diagnostic(obstacle);
    assert.deepEqual(await findFaults(durability), []);
  });
}

test("without flushes the check finds every acknowledgement early", async (t) => {
  if (obstacle !== undefined) return t.diagnostic(obstacle);
  assert.equal((await findFaults("none")).length, commits);
});

// After a failed flush a commit may be in the page cache as clean: another flush would not write it,
// only a newer transaction does.
test("open reports what it found after a transaction of its own and a flush of that", async (t) => {
  if (obstacle !== undefined) return t.diagnostic(obstacle);
  const dir = makeTempDir();
  try {
    await traceWriter({ dir, kind: "lmdb", durability: "pipelined", resumeAt: 0, commits: 3 });
    const options = {
      dir,
      kind: "lmdb",
      durability: "pipelined",
      resumeAt: 3,
      commits: 0,
    } as const;
    const { calls, dataFile } = await traceWriter(options);
    const opened = [...saidLines(calls)].find(([line]) => line.startsWith("opened "))?.[1];
    assert.ok(opened !== undefined);
    const own = calls.filter(({ file, ok }) => file === dataFile && ok);
    const meta = own.find((call) => call.kind === "write" && isMetaWrite(call));
    assert.ok(meta !== undefined, "a meta page is written");
    const flush = own.find(({ kind, startedAt }) => kind === "flush" && startedAt > meta.endedAt);
    assert.ok(flush !== undefined && flush.endedAt < opened, "and flushed");
  } finally {
    rmSync(dir, { recursive: true });
  }
});
