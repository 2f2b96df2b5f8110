/** The demo itself, small: what `npm run demo` does, to its last line. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { promisify } from "node:util";
import { root } from "../tidy/source-tree.ts";

const run = promisify(execFile);
const main = join(root, "dist/src/cli/main.js");

test("the demo loses nothing when a node is killed, and says so in its last line", async () => {
  const scale = ["--groups", "20", "--seconds", "3", "--outstanding", "100"];
  const { stdout } = await run(process.execPath, [main, "demo", ...scale, "--json"], {
    timeout: 180_000,
  });
  const last: unknown = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  assert.ok(typeof last === "object" && last !== null);
  const { ok, acknowledged, keysChecked, violations, bytesOnDisk }: Record<string, unknown> = {
    ...last,
  };
  assert.equal(ok, true);
  assert.deepEqual(violations, []);
  for (const figure of [acknowledged, keysChecked, bytesOnDisk]) {
    assert.ok(typeof figure === "number" && figure > 0);
  }
});

test("the command line tells its version, and exits with 2 for wrong usage before any run", async () => {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  assert.deepEqual(await flotilla("--version"), { code: 0, stdout: `${version}\n`, stderr: "" });
  const wrong: readonly (readonly [RegExp, ...string[]])[] = [
    [/must be an integer from 1 to 100000/, "demo", "--groups", "0"],
    [/unknown option '--nothing'/, "demo", "--nothing"],
    [/unknown command 'nothing'/, "nothing"],
    [/missing required argument 'file'/, "check-history"],
    [/--history \/nowhere\/at\/all cannot be written: /, "demo", "--history", "/nowhere/at/all"],
  ];
  for (const [fault, ...words] of wrong) {
    const { code, stderr } = await flotilla(...words);
    assert.equal(code, 2, words.join(" "));
    assert.match(stderr, fault);
    assert.doesNotMatch(stderr, / {4}at /, "no stack for a fault of usage");
  }
});

test("a demo that is interrupted exits with 130 and leaves neither a directory nor a process", async () => {
  const place = mkdtempSync(join(tmpdir(), "flotilla-demo-test-"));
  try {
    const child = spawn(process.execPath, [main, "demo", "--groups", "3", "--seconds", "600"], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, TMPDIR: place },
    });
    let said = "";
    const exited = new Promise((resolve) => child.once("exit", resolve));
    // The nodes inherit stderr: its end means that the last of them is gone.
    const closed = new Promise((resolve) => child.stderr.once("close", resolve));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      const before = said.includes("load:");
      said += chunk;
      if (!before && said.includes("load:")) child.kill("SIGINT");
    });
    assert.equal(await exited, 130, said);
    await closed;
    assert.match(said, /Ended by SIGINT/);
    assert.deepEqual(readdirSync(place), []);
  } finally {
    rmSync(place, { recursive: true });
  }
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function flotilla(...words: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, stdout, stderr };
}
