/**
 * A node of the demo as its parent sees it: a child process that can be asked, killed and started
 * again.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { FromNode, Report, ToNode } from "./messages.ts";

/** Who asked knows the type of the answer; as methods these take what their promise takes. */
interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class NodeProcess {
  readonly node: string;
  private readonly child: ChildProcess;
  private readonly waiting: Waiting[] = [];
  private readonly exited: Promise<void>;

  constructor(node: string, onReport: (report: Report) => void) {
    this.node = node;
    const own = fileURLToPath(import.meta.url);
    this.child = fork(fileURLToPath(new URL(`./node-main${extname(own)}`, import.meta.url)), {
      // Thousands of calls are alive at any moment: in a small young generation each of them is
      // copied many times.
      execArgv: [...process.execArgv, "--max-semi-space-size=64"],
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.child.on("message", (message: FromNode) => {
      if (message.kind === "report") onReport(message);
      else if (message.kind === "answer") this.waiting.shift()?.resolve(message.value);
      else this.waiting.shift()?.reject(new Error(`${node}: ${message.message}`));
    });
    this.exited = new Promise((resolve) => {
      this.child.once("exit", (code, signal) => {
        for (const waiting of this.waiting.splice(0)) {
          waiting.reject(new Error(`${node} ended with ${signal ?? code}`));
        }
        resolve();
      });
    });
  }

  /** Sends a request; the caller knows the type of its answer. */
  ask<T>(message: ToNode): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.send(message, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  /**
   * SIGKILL: no handler runs, nothing is flushed. Resolves when the process is gone and its last
   * reports are in.
   */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  /** Closes the engine and waits for the process to end by itself. */
  async close(): Promise<void> {
    await this.ask<undefined>({ kind: "close" });
    await this.exited;
  }
}
