/**
 * Who may write the segments of a directory: the opener whose file `claim-N` still has its name.
 * Each opener makes one with the next number and deletes the others, so an earlier owner finds its
 * own without a name, whatever has become of the lock of the data directory. A store that is closed
 * deletes its own: a claim that is found is that of a process that was killed, or that still lives.
 *
 * Nothing is flushed: no process outlives a loss of power.
 */
import { closeSync, fstatSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { privateFile } from "./durable-name.ts";

const claimFile = /^claim-(\d{1,15})$/;
/** Openers that may be faster at the same moment. */
const triesMax = 64;

export class SegmentClaim {
  readonly #dir: string;
  #fd: number | undefined;
  #path = "";

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Returns whether there was no other claim. */
  take(): boolean {
    for (let tries = 1; ; tries += 1) {
      const others = readdirSync(this.#dir).filter((name) => claimFile.test(name));
      const highest = Math.max(0, ...others.map((name) => Number(claimFile.exec(name)?.[1])));
      this.#path = join(this.#dir, `claim-${highest + 1}`);
      try {
        this.#fd = openSync(this.#path, "wx", privateFile);
      } catch (error) {
        const isTaken = error instanceof Error && "code" in error && error.code === "EEXIST";
        if (isTaken && tries < triesMax) continue;
        throw error;
      }
      for (const name of others) rmSync(join(this.#dir, name), { force: true });
      return others.length === 0;
    }
  }

  isHeld(): boolean {
    if (this.#fd === undefined) return false;
    try {
      return fstatSync(this.#fd).nlink > 0;
    } catch {
      // A network file system may not know the file any more.
      return false;
    }
  }

  /** Nothing that this opener wrote is in flight: the next one need not reckon with it. */
  release(): void {
    if (this.isHeld()) rmSync(this.#path, { force: true });
  }

  /** The claim itself stays, if it was not released. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
