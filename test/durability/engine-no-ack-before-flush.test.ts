/**
 * Persist, then speak, proved on a whole node: it runs under strace among two others, leads groups
 * and follows in others, and none of its promises leaves before the flush it rests on has returned.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Durability } from "../../src/log/index.ts";
import { makeTempDir } from "../fixtures/store-places.ts";
import { NodeCluster } from "../integration/node-cluster.ts";
import { findPromises } from "./engine-promises.ts";
import type { PromiseKind } from "./engine-promises.ts";
import { findEarlyAcknowledgements } from "./flush-order.ts";
import { TraceReader, readTrace, traceCommand, whyNotTraceable } from "./syscall-trace.ts";

const obstacle = whyNotTraceable();
const kinds: readonly PromiseKind[] = [
  "entries",
  "response",
  "vote request",
  "vote",
  "acknowledgement",
];
/** Groups from here on need the traced node's disk: their members are this node and one other. */
const firstOfTwo = 101;
/** In these it is the only member, and nothing but its own disk holds an acknowledgement back. */
const alone: readonly number[] = [201, 202];

interface Findings {
  /** Promises by kind. */
  readonly seen: Readonly<Record<string, number>>;
  /** Those that left too early, as text. */
  readonly faults: readonly string[];
}

/** Runs three nodes under load with elections; the first one is traced. */
async function runTracedNode(durability: Durability, dir: string): Promise<Findings> {
  const node = "n1";
  const traceFile = join(dir, "trace");
  await using cluster = new NodeCluster({
    durability,
    // A traced process is slow, and elections shall be those that are asked for.
    tickMs: 200,
    under: { [node]: traceCommand(traceFile) },
  });
  await cluster.start(...cluster.names);
  const pair = [node, "n2"];
  const groups = [firstOfTwo, firstOfTwo + 1, firstOfTwo + 2];
  await cluster.createGroups(6);
  await cluster.node(node).call({ kind: "createGroups", groups, members: pair });
  await cluster.node(node).call({ kind: "createGroups", groups: alone, members: [node] });
  await cluster.startLoad(8);
  for (const name of [node, "n2", node]) {
    await cluster.progress(60);
    const campaigned = [...cluster.groups, ...groups];
    await cluster
      .node(name)
      .call({ kind: "campaign", groups: name === node ? campaigned : cluster.groups });
  }
  await cluster.progress(100);
  await cluster.stopLoad();
  await cluster.close(node);
  const dataFile = join(cluster.dirOf(node), "shard-0", "data.mdb");
  const calls = await readTrace(traceFile);
  const restsOnOwnDisk = (group: number): boolean => group >= firstOfTwo;
  const promises = findPromises(calls, { node, dataFile, restsOnOwnDisk });
  const seen: Record<string, number> = {};
  const faults: string[] = [];
  for (const { kind, name, record: marker, startedAt } of promises) {
    seen[kind] = (seen[kind] ?? 0) + 1;
    if (marker === undefined) faults.push(`${name} rests on no record`);
    else faults.push(...findEarlyAcknowledgements(calls, dataFile, [{ name, marker, startedAt }]));
  }
  return { seen, faults };
}

async function traceNode(durability: Durability): Promise<Findings> {
  const dir = makeTempDir();
  try {
    return await runTracedNode(durability, dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("TraceReader reads the place of a write that another thread's call interrupted", () => {
  const reader = new TraceReader();
  reader.line('7 pwrite64(24<\\x2f\\x61>, "\\x01\\x02", 2, 4096 <unfinished ...>');
  reader.line("8 fdatasync(9<\\x2f\\x62>) = 0");
  reader.line("7 <... pwrite64 resumed>)           = 2");
  const write = reader.finish().find(({ kind }) => kind === "write");
  assert.ok(write?.kind === "write");
  assert.equal(write.offset, 4_096);
  assert.equal(write.file, "/a");
  assert.ok(write.ok);
});

for (const durability of ["strict", "pipelined"] as const) {
  test(`with ${durability} commits no vote, response or acknowledgement leaves before its flush`, async (t) => {
    if (obstacle !== undefined) return t.diagnostic(obstacle);
    const { seen, faults } = await traceNode(durability);
    t.diagnostic(JSON.stringify(seen));
    for (const kind of kinds) assert.ok((seen[kind] ?? 0) > 0, `${kind} was seen`);
    assert.deepEqual(faults, []);
  });
}

test("without flushes the check finds each kind of promise early", async (t) => {
  if (obstacle !== undefined) return t.diagnostic(obstacle);
  const { faults } = await traceNode("none");
  for (const kind of kinds) {
    assert.ok(
      faults.some((fault) => fault.startsWith(`${kind} of`)),
      `${kind} was found early`,
    );
  }
});
