/**
 * Runs a program under strace and reads what it wrote and flushed, in the order in which the kernel
 * was asked. Works for files and for sockets and pipes, so that "what was acknowledged when" can be
 * compared with "what was on disk when".
 */
import { spawn, spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/**
 * One system call. Two of them are in order if one ended before the other started; those of other
 * threads may overlap.
 */
interface Call {
  /** Position in the trace where the call began. */
  readonly startedAt: number;
  /** Position where it returned; infinite where the process ended before. */
  readonly endedAt: number;
  /** Path of the file as it was then, or strace's name for a socket or pipe. */
  readonly file: string;
  readonly ok: boolean;
}
export interface WriteCall extends Call {
  readonly kind: "write";
  /** Place in the file; meaningless for sockets and pipes. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** Whether the file was opened with O_DSYNC or O_SYNC: the write returns after its own flush. */
  readonly synchronous: boolean;
}
export interface FlushCall extends Call {
  readonly kind: "flush";
}
export type TracedCall = WriteCall | FlushCall;

const traced = "openat,lseek,write,writev,pwrite64,pwritev,pwritev2,fdatasync,fsync,sendto,sendmsg";
const tracedBytesMax = 4_194_304;

/** Why programs cannot be traced here, or undefined where they can. */
export function whyNotTraceable(): string | undefined {
  const trial = spawnSync("strace", ["-f", "-o", "/dev/null", "true"], { encoding: "utf8" });
  if (trial.error !== undefined) return `strace is not installed: ${trial.error.message}`;
  return trial.status === 0 ? undefined : `strace may not trace here: ${trial.stderr}`;
}

/** What stands before a program on the command line to trace it. */
export function traceCommand(traceFile: string): string[] {
  const detail = ["-f", "-y", "-xx", "-s", `${tracedBytesMax}`];
  return ["strace", ...detail, "-e", `trace=${traced}`, "-o", traceFile];
}

/** Runs a Node program to its end; returns its standard output. */
export async function runTraced(
  traceFile: string,
  script: string,
  argument: string,
): Promise<string> {
  const [command = "", ...tracer] = traceCommand(traceFile);
  const child = spawn(command, [...tracer, process.execPath, script, argument], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`${script} ended with code ${code}: ${output}`);
  return output;
}

export async function readTrace(traceFile: string): Promise<TracedCall[]> {
  const reader = new TraceReader();
  for await (const line of createInterface({ input: createReadStream(traceFile) })) {
    reader.line(line);
  }
  return reader.finish();
}

/**
 * Takes strace's lines one by one. A call that was interrupted by another thread's stands in two of
 * them.
 */
export class TraceReader {
  private readonly calls: TracedCall[] = [];
  /** By thread: the first part of its call. */
  private readonly unfinished = new Map<string, { text: string; startedAt: number }>();
  private readonly positions = new Map<number, number>();
  private readonly synchronous = new Set<number>();
  private at = 0;

  line(line: string): void {
    this.at += 1;
    const [, thread, text] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (thread === undefined || text === undefined) return;
    const unfinished = " <unfinished ...>";
    if (text.endsWith(unfinished)) {
      const part = text.slice(0, -unfinished.length);
      this.unfinished.set(thread, { text: part, startedAt: this.at });
      return;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text);
    if (resumed === null) {
      this.call(text, this.at, this.at);
      return;
    }
    const part = this.unfinished.get(thread);
    this.unfinished.delete(thread);
    if (part !== undefined) {
      this.call(part.text + text.slice(resumed[0].length), part.startedAt, this.at);
    }
  }

  finish(): TracedCall[] {
    for (const { text, startedAt } of this.unfinished.values()) {
      this.call(`${text}) = ?`, startedAt, Number.POSITIVE_INFINITY);
    }
    return this.calls.sort((a, b) => a.startedAt - b.startedAt);
  }

  private call(text: string, startedAt: number, endedAt: number): void {
    const name = /^\w+/.exec(text)?.[0];
    // What was written may be long; what was opened is told with its path, which may be, too.
    const end = name === "openat" ? text : text.slice(-200);
    const result = Number(/= (-?\d+)[^=]*$/.exec(end)?.[1] ?? Number.NaN);
    if (name === "openat") {
      this.positions.set(result, 0);
      if (/O_D?SYNC/.test(text)) this.synchronous.add(result);
      else this.synchronous.delete(result);
      return;
    }
    const [, number, hexPath] = /^\w+\((\d+)<([^>]*)>/.exec(text) ?? [];
    if (number === undefined || hexPath === undefined) return;
    const fd = Number(number);
    const file = unhex(hexPath).toString();
    const common = { startedAt, endedAt, file };
    if (name === "lseek") this.positions.set(fd, result);
    else if (name === "fdatasync" || name === "fsync") {
      this.calls.push({ ...common, kind: "flush", ok: result === 0 });
    } else this.calls.push(this.write(text, fd, result, common));
  }

  private write(
    text: string,
    fd: number,
    result: number,
    common: Pick<Call, "startedAt" | "endedAt" | "file">,
  ): WriteCall {
    const parts: Buffer[] = [];
    for (const [, hex, cut] of text.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)) {
      if (cut !== undefined) throw new Error(`a write of more than ${tracedBytesMax} bytes`);
      parts.push(unhex(hex ?? ""));
    }
    const bytes = Buffer.concat(parts);
    const placed = /^pwrite(?:64)?\(.*, (\d+)\) += [^"]*$/.exec(text);
    const scattered = /^pwritev2?\(.*\], \d+, (\d+)(?:, \w+)?\) += [^"]*$/.exec(text);
    const place = (placed ?? scattered)?.[1];
    const offset = place === undefined ? (this.positions.get(fd) ?? 0) : Number(place);
    if (place === undefined) this.positions.set(fd, offset + bytes.length);
    // A call that never returned may have written all its bytes or any part of them.
    const ok = Number.isNaN(result) ? false : result === bytes.length;
    return {
      ...common,
      kind: "write",
      offset,
      bytes,
      ok,
      synchronous: this.synchronous.has(fd),
    };
  }
}

/** `\x61\x62` as bytes; text that is not escaped, such as `pipe:[123]`, as it stands. */
function unhex(text: string): Buffer {
  return text.startsWith("\\x")
    ? Buffer.from(text.replaceAll("\\x", ""), "hex")
    : Buffer.from(text);
}
