import type { SegmentReader } from "./segment-files.ts";

const windowBytes = 1_048_576;

/** Reads a segment from its beginning to its end in few calls. */
export class SegmentWindow {
  readonly #memory = new Uint8Array(windowBytes);
  #file: SegmentReader | undefined;
  #from = 0;
  #to = 0;

  /** So many bytes, at most a MiB of them, valid until the next call. */
  view(file: SegmentReader, at: number, bytes: number): Uint8Array {
    if (file !== this.#file || at < this.#from || at + bytes > this.#to) {
      this.#file = file;
      this.#from = at;
      this.#to = Math.min(file.bytes, at + windowBytes);
      file.read(this.#memory.subarray(0, this.#to - at), at);
    }
    return this.#memory.subarray(at - this.#from, at - this.#from + bytes);
  }
}
