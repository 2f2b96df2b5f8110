/**
 * A process of a peer: reads lines, answers in lines, and dies with this process or with the signal
 * of the run, whichever comes first.
 */
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { combineFigures, divide, figuresOf, numberOf, parseMemberLine } from "./member-lines.ts";
import type { MemberLine } from "./member-lines.ts";
import type { PeerFigures, PeerWork } from "./peer.ts";

/** Lines that are shown where a process fails. */
const troublesMax = 10;

interface Waiting {
  resolve(line: MemberLine): void;
  reject(error: Error): void;
}

export interface Program {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Kills the process. */
  readonly signal: AbortSignal;
}

export class MemberProcess implements AsyncDisposable {
  private readonly name: string;
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly lines: MemberLine[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly troubles: string[] = [];
  private readonly closed: Promise<void>;
  private failure: Error | undefined;

  constructor(name: string, program: Program) {
    this.name = name;
    // setpriv makes the kernel end the process with its parent, even where that is killed.
    const wrapped = ["--pdeathsig", "KILL", program.command, ...program.arguments];
    this.child = spawn("setpriv", wrapped, {
      stdio: ["pipe", "pipe", "pipe"],
      signal: program.signal,
      killSignal: "SIGKILL",
    });
    this.closed = new Promise((resolve) => {
      this.child.once("error", (error) => {
        this.fail(program.signal.aborted ? error : new Error(`${name}: ${error.message}`));
        if (this.child.pid === undefined) resolve();
      });
      this.child.once("close", (code, signal) => {
        const last = this.troubles.map((line) => `\n  ${line}`).join("");
        this.fail(new Error(`${name} ended with ${signal ?? `code ${code}`}${last}`));
        resolve();
      });
    });
    // Its end is told by "close".
    this.child.stdin.on("error", () => {});
    createInterface({ input: this.child.stdout }).on("line", (line) => this.take(line));
    createInterface({ input: this.child.stderr }).on("line", (line) => this.note(line));
  }

  /** For who counts its CPU time. */
  get pid(): number {
    const { pid } = this.child;
    if (pid === undefined) throw new Error(`${this.name} was not started`);
    return pid;
  }

  send(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  /** The next line. @throws where the process fails before it comes. */
  next(): Promise<MemberLine> {
    const line = this.lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** The number of this name in the next line. */
  async number(name: string): Promise<number> {
    return numberOf(await this.next(), name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.closed;
  }

  private take(text: string): void {
    const line = parseMemberLine(text);
    if (line === undefined) this.note(text);
    else if (typeof line["failed"] === "string") {
      this.fail(new Error(`${this.name}: ${line["failed"]}`));
    } else {
      const waiting = this.waiting.shift();
      if (waiting === undefined) this.lines.push(line);
      else waiting.resolve(line);
    }
  }

  private note(text: string): void {
    this.troubles.push(text);
    if (this.troubles.length > troublesMax) this.troubles.shift();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const waiting of this.waiting.splice(0)) waiting.reject(this.failure);
  }
}

/** Starts one process a program, all of which are gone when this settles. */
export async function withMembers<T>(
  programs: readonly Program[],
  use: (members: readonly MemberProcess[]) => Promise<T>,
): Promise<T> {
  const members = programs.map((program, at) => new MemberProcess(`member ${at + 1}`, program));
  try {
    return await use(members);
  } finally {
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
  }
}

/**
 * Lets members work that say how many groups they lead: each gets its share of the commands, and
 * all measure the same time.
 */
export async function measureMembers(
  members: readonly MemberProcess[],
  work: PeerWork,
): Promise<PeerFigures> {
  const led = await Promise.all(members.map((member) => member.number("leads")));
  const shares = divide(work.outstanding, led);
  const times = `${Math.round(work.warmUpSeconds * 1_000)} ${Math.round(work.seconds * 1_000)}`;
  for (const [at, member] of members.entries()) member.send(`run ${shares[at] ?? 0} ${times}`);
  const lines = await Promise.all(members.map((member) => member.next()));
  return combineFigures(lines.map(figuresOf));
}
