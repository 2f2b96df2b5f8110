/**
 * A node as its parent sees it: a child process that can be asked, killed and started again. The
 * child's side is `answer-parent.ts`.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FromChild } from "./answer-parent.ts";

/** Who asked knows the type of the answer; as methods these take what their promise takes. */
interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class NodeProcess<Request extends object, Report> {
  readonly node: string;
  private readonly child: ChildProcess;
  private readonly waiting: Waiting[] = [];
  private readonly exited: Promise<void>;

  /** `module` is the child's main module, which calls `answerParent`. */
  constructor(node: string, module: URL, onReport: (report: Report) => void) {
    this.node = node;
    this.child = fork(fileURLToPath(module), {
      // Thousands of calls are alive at any moment: in a small young generation each of them is
      // copied many times.
      execArgv: [...process.execArgv, "--max-semi-space-size=64"],
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.child.on("message", (message: FromChild<Report>) => {
      if (message.kind === "report") onReport(message.report);
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

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Sends a request; the caller knows the type of its answer. */
  ask<T>(message: Request): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.send(message, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Such as SIGSTOP and SIGCONT. Does nothing where the process is gone. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /**
   * SIGKILL: no handler runs, nothing is flushed. Resolves when the process is gone and its last
   * reports are in.
   */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  /** Sends the request after which the child ends by itself, and waits for that. */
  async close(request: Request): Promise<void> {
    await this.ask<undefined>(request);
    await this.exited;
  }
}
