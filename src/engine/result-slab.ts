/**
 * Memory for results. A buffer of its own costs ten times the bytes of a small result, in time and
 * in heap, so small ones share slabs of a few KiB, as Node's own Buffers do. A slab cannot be
 * transferred: that would take its neighbours' bytes along.
 */
import { markAsUntransferable } from "node:worker_threads";

const slabBytes = 8_192;
const smallBytes = 64;

export class ResultSlab {
  private slab: ArrayBuffer = new ArrayBuffer(0);
  private bytes: Uint8Array = new Uint8Array(this.slab);
  private at = 0;

  /** A copy of `source[start, end)`. */
  copy(source: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start;
    if (length > smallBytes) return source.slice(start, end);
    if (this.at + length > this.slab.byteLength) this.renew();
    const { bytes, at } = this;
    this.at += (length + 7) & ~7;
    for (let offset = 0; offset < length; offset += 1) {
      bytes[at + offset] = source[start + offset] ?? 0;
    }
    return new Uint8Array(this.slab, at, length);
  }

  private renew(): void {
    this.slab = new ArrayBuffer(slabBytes);
    markAsUntransferable(this.slab);
    this.bytes = new Uint8Array(this.slab);
    this.at = 0;
  }
}
