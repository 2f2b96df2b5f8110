/**
 * A copy of the sources and of what they were built into, in a temporary directory. A mutant changes
 * one file there and only the layer of that file is compiled again: types of other layers do not
 * change by it, and a mutant that breaks its own layer's types is refused as no fault that could
 * ever be made.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runNode } from "./child.ts";
import type { Ending } from "./child.ts";
import { applyEdit, editsOf } from "./mutant.ts";
import type { Mutant } from "./mutant.ts";

/** The repository; this file runs as dist/test/mutants/workspace.js. */
export const root: string = join(import.meta.dirname, "../../..");

const compiler = "node_modules/typescript/lib/tsc.js";
const copied = [
  "src",
  "test",
  "bench",
  "tsconfig.json",
  "package.json",
  "dist/src",
  "dist/test",
  "dist/bench",
];
const buildMs = 120_000;

export class Workspace {
  readonly dir: string;
  /** For what tests leave behind when they are killed. */
  private readonly tempDir: string;

  private constructor() {
    this.dir = mkdtempSync(join(tmpdir(), "flotilla-mutants-"));
    // A short name: tests that read the kernel's traces find their paths in them.
    this.tempDir = mkdtempSync(join(tmpdir(), "m-"));
    made.add(this.dir).add(this.tempDir);
  }

  /** Copies the sources of `from`, which is the repository or another workspace. */
  static make(from: string = root): Workspace {
    const workspace = new Workspace();
    const { dir } = workspace;
    for (const path of copied) {
      // The compiler takes what was built for fresh by its times.
      const options = { recursive: true, preserveTimestamps: true };
      if (existsSync(join(from, path))) cpSync(join(from, path), join(dir, path), options);
    }
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    return workspace;
  }

  /** Brings the whole copy up to date: the sources may be newer than what was built of them. */
  async build(): Promise<void> {
    const { code, stdout } = await this.run([compiler, "-b", "test"], buildMs);
    if (code !== 0) throw new Error(`the sources do not compile:\n${stdout}`);
  }

  run(args: readonly string[], timeoutMs: number): Promise<Ending> {
    const { dir, tempDir } = this;
    return runNode(args, { cwd: dir, timeoutMs, tempDir });
  }

  /** Puts a mutant in place, runs `task` on it, and takes it out again. */
  async with<Result>(mutant: Mutant, task: () => Promise<Result>): Promise<Result> {
    const before = new Map<string, string>();
    try {
      for (const edit of editsOf(mutant)) {
        const path = join(this.dir, edit.file);
        const text = readFileSync(path, "utf8");
        const changed = applyEdit(text, edit);
        if (changed === undefined) throw new Error(`${edit.file} does not hold \`find\` once`);
        this.keep(before, path, text);
        writeFileSync(path, changed);
      }
      for (const project of projectsOf(mutant)) await this.compile(project);
      return await task();
    } finally {
      // What was compiled comes back as it was; the compiler sees by the source's bytes that it
      // must be compiled again when the layer's turn comes.
      for (const [path, text] of before) writeFileSync(path, text);
    }
  }

  /** Remembers a source and what it was compiled into. */
  private keep(before: Map<string, string>, path: string, text: string): void {
    if (before.has(path)) return;
    before.set(path, text);
    const compiled = join(this.dir, "dist", path.slice(this.dir.length)).replace(/\.ts$/, ".js");
    before.set(compiled, readFileSync(compiled, "utf8"));
  }

  private async compile(project: string): Promise<void> {
    const unused = ["--noUnusedLocals", "false", "--noUnusedParameters", "false"];
    const { code, stdout } = await this.run([compiler, "-p", project, ...unused], buildMs);
    if (code !== 0) throw new Error(`it does not compile: ${stdout.trim()}`);
  }
}

const made = new Set<string>();

export function removeWorkspaces(): void {
  for (const dir of made) rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  made.clear();
}

/** The layers that a mutant's files lie in. */
function projectsOf(mutant: Mutant): Set<string> {
  return new Set(editsOf(mutant).map(({ file }) => file.split("/").slice(0, 2).join("/")));
}
