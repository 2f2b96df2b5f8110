/** A directory for a run, gone after it whatever ends the run: success, failure, a signal. */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Interrupted, exitCodes } from "./run-program.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * `work` is told by its signal when it must end, and has to settle soon then.
 * @throws Interrupted
 */
export async function withTemporaryDirectory<T>(
  { parent, name }: { readonly parent: string; readonly name: string },
  work: (dir: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const onSignal = (signal: string): void => {
    // Whoever asks twice does not want to wait for the end to be orderly.
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(new Interrupted(signal));
  };
  for (const signal of signals) process.on(signal, onSignal);
  const dir = await mkdtemp(join(parent, name));
  try {
    return await work(dir, controller.signal);
  } catch (error) {
    // What broke off is of no interest then.
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    for (const signal of signals) process.off(signal, onSignal);
  }
}
