/**
 * Child processes with a deadline, each in a process group of its own, so that what it started dies
 * with it; all of them die with this process.
 */
import { spawn } from "node:child_process";

export interface Ending {
  /** Undefined where a signal or the deadline ended it. */
  readonly code: number | undefined;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildOptions {
  readonly cwd: string;
  readonly timeoutMs: number;
  /** For temporary files, which must go with the workspace. */
  readonly tempDir: string;
}

/** Enough for a report, and for the end of a long trace. */
const outputCharsMax = 262_144;

const running = new Set<number>();

/** Runs a script with this program's own Node. */
export function runNode(args: readonly string[], options: ChildOptions): Promise<Ending> {
  const env: NodeJS.ProcessEnv = { ...process.env, TMPDIR: options.tempDir };
  // A test that runs below another test would write for its parent's eyes only.
  delete env["NODE_TEST_CONTEXT"];
  delete env["NODE_OPTIONS"];
  env["FLOTILLA_SEED"] ??= "1";
  const child = spawn(process.execPath, args, {
    cwd: options.cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (text: string) => {
      out[name] = (out[name] + text).slice(-outputCharsMax);
    });
  }
  let timedOut = false;
  const deadline = setTimeout(() => {
    timedOut = true;
    if (pid !== undefined) killGroup(pid);
  }, options.timeoutMs);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      clearTimeout(deadline);
      reject(error);
    });
    child.on("close", (code) => {
      clearTimeout(deadline);
      if (pid !== undefined) {
        running.delete(pid);
        killGroup(pid);
      }
      resolve({ code: code ?? undefined, timedOut, ...out });
    });
  });
}

/** Ends every child of ours, at once. */
export function killChildren(): void {
  for (const pid of running) killGroup(pid);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone already.
  }
}
