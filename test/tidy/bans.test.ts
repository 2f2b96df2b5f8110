/**
 * Below `engine` nothing reads a clock, draws randomness, waits or looks at the process by itself,
 * so that a simulation repeats. The linter says so; here each of its bans is broken once in every
 * layer, with the linter's own settings.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readText, root } from "./source-tree.ts";

const layers = ["base", "raft", "wire", "log", "shard", "transport", "testing"];

/** One line each, so that what the linter found can be told apart. */
const banned = [
  "export const time = Date.now();",
  "export const made = new Date();",
  "export const clock = performance.now();",
  "export const chance = Math.random();",
  "setTimeout(f, 1);",
  "setInterval(f, 1);",
  "setImmediate(f);",
  "export const start = process.hrtime.bigint();",
  "export const id = crypto.randomUUID();",
  "globalThis.setTimeout(f, 1);",
  "export const other = globalThis.Date.now();",
  'import { setTimeout as wait } from "node:timers/promises";',
  'import { setInterval as often } from "node:timers";',
  'import { performance as precise } from "node:perf_hooks";',
  'import { hrtime } from "node:process";',
  'import { randomBytes } from "node:crypto";',
  'import { randomUUID } from "node:crypto";',
  'import { randomInt } from "node:crypto";',
  'import { webcrypto } from "node:crypto";',
  'import { getRandomValues } from "node:crypto";',
  'import * as everything from "node:crypto";',
  'import { setTimeout as plain } from "timers";',
  'import { randomFill } from "crypto";',
];

/** Lines of a file, "path:line", of which the linter says that something is restricted. */
function restricted(files: Readonly<Record<string, string>>): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-bans-"));
  try {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const settings = readText(".oxlintrc.json").replace('"typeAware": true', '"typeAware": false');
    writeFileSync(join(folder, ".oxlintrc.json"), settings);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
    const args = [oxlint, "--format", "unix", "."];
    const { stdout } = spawnSync(process.execPath, args, {
      cwd: folder,
      encoding: "utf8",
      timeout: 60_000,
    });
    const found = [...stdout.matchAll(/(src\/\S+?):(\d+):\d+:.*no-restricted/g)];
    return new Set(found.map((match) => `${match[1]}:${match[2]}`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the linter finds each clock, timer and source of chance in each layer below engine", () => {
  const text = banned.join("\n");
  const found = restricted(
    Object.fromEntries(layers.map((layer) => [`src/${layer}/probe.ts`, text])),
  );
  const missed = layers.flatMap((layer) =>
    banned.flatMap((line, at) =>
      found.has(`src/${layer}/probe.ts:${at + 1}`) ? [] : [`src/${layer}: ${line}`],
    ),
  );
  assert.deepEqual(missed, []);
});

test("an adapter may use what it adapts, and nothing else", () => {
  const adapters: Readonly<Record<string, readonly string[]>> = {
    "src/shard/worker-host.ts": ["Date.now();", "performance.now();", 'import "node:timers";'],
    "src/log/event-loop.ts": ["setImmediate(f);"],
    "src/transport/timers.ts": ["setTimeout(f, 1);"],
    "src/transport/dialled-connection.ts": ['import { randomBytes } from "node:crypto";'],
    "src/transport/accepted-connection.ts": ['import { randomBytes } from "node:crypto";'],
    "src/testing/sim/run.ts": ["process.on(e, f);", 'import "node:timers/promises";'],
  };
  const files = Object.entries(adapters).map(([path, lines]) => {
    return [path, [...lines, "Math.random();"].join("\n")] as const;
  });
  const found = restricted(Object.fromEntries(files));
  assert.deepEqual(
    [...found].sort(),
    files.map(([path, text]) => `${path}:${text.split("\n").length}`).sort(),
  );
});
