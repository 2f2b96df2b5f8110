/**
 * Exclusive locks on files that the kernel keeps: the only user of fs-native-extensions, since Node
 * has no call for them. On Linux they are open file description locks (`F_OFD_SETLK`), on macOS
 * `flock`, on Windows `LockFileEx`. Such a lock belongs to an open descriptor: two openers of one
 * process exclude each other, the kernel releases it when the descriptor or the process ends, and
 * process ids and namespaces play no part.
 */
import { createRequire } from "node:module";
import { RaftError } from "../base/index.ts";

/** Locks the whole file; false if another descriptor has it locked. */
export type TryLock = (fd: number) => boolean;

/** @throws ERR_STORE_FAILED if this system has no such locks */
export async function loadFileLocks(): Promise<TryLock> {
  try {
    const { tryLock } = await import("fs-native-extensions");
    return tryLock;
  } catch (cause) {
    const lock = loadPrebuilt();
    if (lock !== undefined) return lock;
    const system = `${process.platform} on ${process.arch}`;
    const message = `Cannot lock files: fs-native-extensions is not installed, or has no binary for ${system}`;
    throw new RaftError("ERR_STORE_FAILED", message, { cause, outcome: "none" });
  }
}

/**
 * The package asks for a binary of its own on musl and ships none, but the one for glibc uses only
 * functions that musl has, too.
 */
function loadPrebuilt(): TryLock | undefined {
  const path = `prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`;
  let binding: unknown;
  try {
    binding = createRequire(import.meta.url)(`fs-native-extensions/${path}`);
  } catch {
    return undefined;
  }
  if (!isBinding(binding)) return undefined;
  const { tryLock } = binding;
  return (fd) => {
    try {
      tryLock(fd, 0, 0, true);
      return true;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return false;
      throw error;
    }
  };
}

interface Binding {
  readonly tryLock: (fd: number, offset: number, length: number, exclusive: boolean) => void;
}

function isBinding(value: unknown): value is Binding {
  return typeof value === "object" && value !== null && "tryLock" in value;
}
