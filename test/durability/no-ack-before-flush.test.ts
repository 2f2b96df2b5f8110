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
