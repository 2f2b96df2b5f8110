/** Runs a store on a disk that fails, and says what it did that a store must not do. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { DoomedOptions } from "./doomed-writer.ts";
import type { Opened, OpenerOptions } from "./image-opener.ts";
import { StoreWorkload } from "./store-workload.ts";

export interface Doomed {
  /** Undefined where the store opened. */
  readonly openError: string | undefined;
  readonly acknowledged: number;
  readonly refused: number;
  /** Whether native code ended the process. */
  readonly crashed: boolean;
  /** Everything that was wrong, as text. */
  readonly faults: readonly string[];
}

export interface Surroundings {
  /** Stands before the command. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether LMDB may end the process, as it does where its own write fails; see FORMAT.md. */
  readonly mayCrash?: boolean;
}

const crashes: readonly (string | null)[] = ["SIGABRT", "SIGBUS", "SIGILL", "SIGSEGV", "SIGTRAP"];
/** Those that a process which ended has not told of; one of them may be there. */
const commitsUnderWayMax = 2;

const script = (name: string): string => new URL(`./${name}.js`, import.meta.url).pathname;

/** Runs the writer; looks at everything but what is on the disk afterwards. */
export function runDoomed(options: DoomedOptions, surroundings: Surroundings): Doomed {
  const { status, signal, stdout, stderr } = runNode("doomed-writer", options, surroundings);
  const faults: string[] = [];
  const crashed = crashes.includes(signal);
  if (status !== 0 && !(crashed && surroundings.mayCrash === true)) {
    faults.push(`the process ended with ${signal ?? status}: ${stderr.trim()}`);
  }
  const openError = /^open (.*)$/m.exec(stdout)?.[1];
  if (openError !== undefined && openError !== "ERR_STORE_FAILED") faults.push(openError);
  const lines = stdout.split("\n");
  const acks = lines.flatMap((line) => /^ack (\d+)$/.exec(line)?.[1] ?? []);
  const refusals = lines.flatMap(
    (line) => /^refused (\d+) ERR_STORE_FAILED$/.exec(line)?.[1] ?? [],
  );
  const others = lines.filter((line) => line.startsWith("refused")).length - refusals.length;
  if (others > 0) faults.push(`other errors than ERR_STORE_FAILED: ${stdout}`);
  const order = [...acks, ...refusals].map(Number);
  if (order.some((commit, at) => commit !== at + 1))
    faults.push(`out of order: ${order.join(" ")}`);
  const firstRefusal = stdout.indexOf("refused");
  if (firstRefusal >= 0 && stdout.lastIndexOf("ack ") > firstRefusal) {
    faults.push("a commit was acknowledged after one had been refused");
  }
  if (openError === undefined && status === 0 && !stdout.endsWith("closed\n")) {
    faults.push("the store did not close");
  }
  return { openError, acknowledged: acks.length, refused: refusals.length, crashed, faults };
}

/**
 * Opens the directory on a sound disk, in a new process: everything acknowledged must be there,
 * nothing that was never written, and the store takes further commits.
 */
export function findLosses(
  { dir, kind, durability, seed }: DoomedOptions,
  { acknowledged, refused, crashed }: Pick<Doomed, "acknowledged" | "refused" | "crashed">,
  surroundings: Surroundings = {},
): string[] {
  const options: OpenerOptions = { dirs: [dir], kind, durability };
  const { stdout, stderr, signal } = runNode("image-opener", options, surroundings);
  if (stdout === "") return [`the opener ended with ${signal}: ${stderr}`];
  const { digest, writable }: Opened = JSON.parse(stdout);
  const workload = new StoreWorkload(seed);
  const unknown = refused + (crashed ? commitsUnderWayMax : 0);
  while (workload.commits < acknowledged) workload.next();
  while (workload.digest() !== digest) {
    if (workload.commits > acknowledged + unknown) {
      return [`after ${acknowledged} acknowledged commits: ${digest}`];
    }
    workload.next();
  }
  return writable ? [] : ["takes no further commits"];
}

interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runNode(
  name: string,
  argument: unknown,
  { command = [], environment = {} }: Surroundings,
): Ended {
  const own = [process.execPath, script(name), JSON.stringify(argument)];
  const [program = "", ...rest] = [...command, ...own];
  const child = spawnSync(program, rest, {
    encoding: "utf8",
    env: { ...process.env, ...environment },
    timeout: 60_000,
  });
  assert.equal(child.error, undefined);
  return child;
}
