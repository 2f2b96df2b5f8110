/** The bench suite as its users run it, on a disk of its own. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../bench/main.js", import.meta.url));

export interface BenchOutput {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class BenchDisk implements Disposable {
  readonly dir: string = mkdtempSync(join(tmpdir(), "flotilla-bench-test-"));
  /** The options of a run that is short, is done once, and ends with its result as JSON. */
  readonly once: readonly string[] = ["--repeat", "1", "--dir", this.dir, "--json"];

  async run(...words: readonly string[]): Promise<BenchOutput> {
    const child = spawn(process.execPath, [main, ...words], { stdio: ["ignore", "pipe", "pipe"] });
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await exited, stdout, stderr };
  }

  /** Ctrl-C as soon as the run has said `when`: it must leave neither process nor directory. */
  async interrupt(when: string, ...words: readonly string[]): Promise<void> {
    const child = spawn(process.execPath, [main, ...words], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    // The nodes inherit stderr: its end means that the last of them is gone.
    const closed = new Promise((resolve) => child.stderr.once("close", resolve));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      const before = said.includes(when);
      said += chunk;
      if (!before && said.includes(when)) child.kill("SIGINT");
    });
    assert.equal(await exited, 130, said);
    await closed;
    assert.match(said, /Ended by SIGINT/);
    this.assertEmpty();
  }

  assertEmpty(): void {
    const left = readdirSync(this.dir).filter((name) => name.startsWith("flotilla-bench-"));
    assert.deepEqual(left, []);
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
