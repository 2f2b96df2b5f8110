/**
 * Real engines for the tests of bad input: one node, real threads, disk and sockets, everything
 * removed afterwards.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { shardOfGroup } from "../../src/base/index.ts";
import { Engine, RaftError } from "../../src/index.ts";
import type { EngineEvents, EngineOptions } from "../../src/index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "flotilla.input-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function machineUrl(name: string): URL {
  return new URL(`./machines/${name}.js`, import.meta.url);
}

export function optionsFor(dir: string, more: Partial<EngineOptions> = {}): EngineOptions {
  return {
    cluster: "test",
    node: "a",
    dir: join(dir, "a"),
    listen: { host: "127.0.0.1", port: 0 },
    stateMachine: machineUrl("list"),
    shards: 1,
    tickMs: 20,
    preallocateBytes: 1_048_576,
    ...more,
  };
}

/** An open engine that is closed with its test. */
export async function openEngine(
  t: TestContext,
  more: Partial<EngineOptions> = {},
): Promise<{ engine: Engine; dir: string; options: EngineOptions }> {
  const dir = tempDir(t);
  const options = optionsFor(dir, more);
  const engine = await Engine.open(options);
  t.after(() => engine.close());
  return { engine, dir, options };
}

/** A group of this node alone, with a leader. */
export async function createAlone(engine: Engine, group: number): Promise<void> {
  await engine.createGroup({ group, members: [engine.node] });
  await engine.awaitLeader(group);
}

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export async function readText(engine: Engine, group: number): Promise<string> {
  return decoder.decode((await engine.read(group, bytes(""))).value);
}

/** The first group id that a shard holds. */
export function groupOnShard(shard: number, shards: number, from = 1): number {
  for (let group = from; ; group += 1) if (shardOfGroup(group, shards) === shard) return group;
}

/** Waits for an event, with a deadline. */
export async function awaitEvent<Name extends keyof EngineEvents>(
  engine: Engine,
  name: Name,
): Promise<void> {
  await once(engine, name, { signal: AbortSignal.timeout(20_000) });
}

/** The error of a call that must fail, which says what happened, what it means and what to do. */
export async function failureOf(call: Promise<unknown>): Promise<RaftError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof RaftError, String(error));
    assert.ok(error.message.length > 10, "it says what was wrong");
    assert.ok(error.remedy.length > 3, "and what can be done");
    return error;
  }
  throw new assert.AssertionError({ message: "the call fails" });
}
