/**
 * Builds the file that a loss of power may leave behind, from a trace of what was written and
 * flushed before it:
 *
 *      a write before a completed flush, or through O_DSYNC and returned    is there
 *      any other write                                                      may be there, or torn
 *
 * Disks write sectors of 512 bytes whole; which sectors of unflushed writes arrive, and in which
 * order, is chance.
 */
import type { Prng } from "../../src/base/index.ts";
import type { TracedCall, WriteCall } from "./syscall-trace.ts";

const sectorBytes = 512;

/** What happens to the writes that were not flushed. */
export const losses = ["all", "none", "some writes", "some sectors", "the last ones"] as const;
export type Loss = (typeof losses)[number];

/**
 * The file if power fails when the trace has come to `cutAt`. `calls` are those on this file alone,
 * in order.
 */
export function crashImage(
  calls: readonly TracedCall[],
  cutAt: number,
  loss: Loss,
  prng: Prng,
): Buffer {
  const flushes = calls.filter((call) => call.kind === "flush" && call.ok && call.endedAt <= cutAt);
  const flushedAt = flushes.at(-1)?.startedAt ?? -1;
  const writes = calls.filter(
    (call): call is WriteCall => call.kind === "write" && call.startedAt <= cutAt,
  );
  const isDurable = (write: WriteCall): boolean =>
    write.endedAt < flushedAt || (write.synchronous && write.endedAt <= cutAt);
  const unsure = writes.filter((write) => !isDurable(write));
  const keptCount = prng.between(0, unsure.length + 1);
  const image = new ImageFile();
  for (const write of writes) {
    if (isDurable(write)) image.put(write.offset, write.bytes);
    else if (loss === "none") image.put(write.offset, write.bytes);
    else if (loss === "some writes" && prng.chance(0.5)) image.put(write.offset, write.bytes);
    else if (loss === "some sectors") putSectors(image, write, prng);
    else if (loss === "the last ones" && unsure.indexOf(write) < keptCount) {
      image.put(write.offset, write.bytes);
    }
  }
  return image.bytes();
}

/**
 * The segment files of a store, by name. Each was made as another file, in one go, and got its name
 * when it had been flushed: the writes before are its own.
 */
export function segmentImages(
  calls: readonly TracedCall[],
  cutAt: number,
  loss: Loss,
  prng: Prng,
): Map<string, Buffer> {
  const made: TracedCall[][] = [];
  for (const call of calls.filter(({ file }) => file.endsWith("making.seg"))) {
    if (call.kind === "write" && call.offset === 0) made.push([]);
    made.at(-1)?.push(call);
  }
  const images = new Map<string, Buffer>();
  made.forEach((making, at) => {
    if (!making.some(({ kind, ok, endedAt }) => kind === "flush" && ok && endedAt <= cutAt)) return;
    const name = `${String(at + 1).padStart(10, "0")}.seg`;
    const own = calls.filter(({ file }) => file.endsWith(name));
    images.set(name, crashImage([...making, ...own], cutAt, loss, prng));
  });
  return images;
}

function putSectors(image: ImageFile, write: WriteCall, prng: Prng): void {
  for (let at = write.offset; at < write.offset + write.bytes.length; ) {
    const next = Math.min(at - (at % sectorBytes) + sectorBytes, write.offset + write.bytes.length);
    if (prng.chance(0.5)) {
      image.put(at, write.bytes.subarray(at - write.offset, next - write.offset));
    }
    at = next;
  }
}

/** A file in memory that grows with what is put into it; gaps are zeros. */
class ImageFile {
  private memory = Buffer.alloc(1_048_576);
  private length = 0;

  put(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.memory.length) {
      this.memory = Buffer.concat([this.memory, Buffer.alloc(end)]);
    }
    this.memory.set(bytes, offset);
    this.length = Math.max(this.length, end);
  }

  bytes(): Buffer {
    return this.memory.subarray(0, this.length);
  }
}
