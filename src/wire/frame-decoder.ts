/**
 * Cuts a stream of bytes into frames. A frame that lies wholly in one chunk is handed over as a
 * view on it; one that spans chunks is copied once, into memory taken when its length is known and
 * found to be within the bound.
 *
 *   header of 8 bytes ──► length checked ──► body complete ──► checksum checked ──► onBody
 */
import { limits } from "../base/index.ts";
import { crc32c } from "./crc32c.ts";
import { frameHeaderBytes } from "./frame.ts";
import { frameInvalid } from "./frame-invalid.ts";

const none = new Uint8Array(0);

export class FrameDecoder {
  /**
   * The longest body accepted. May be raised between two frames: a stranger's greeting must be
   * shorter than a friend's frame.
   */
  bytesMax: number;
  /** Holds a header that came in pieces. */
  private readonly header: Buffer = Buffer.alloc(frameHeaderBytes);
  private headerFilled = 0;
  /**
   * The body being put together, empty while there is none; Invariant: bodyFilled < body.length or
   * both are 0.
   */
  private body: Uint8Array = none;
  private bodyFilled = 0;
  private checksum = 0;
  /**
   * Set while `push` runs, and for ever once it threw: after a fault nobody knows where the next
   * frame begins.
   */
  private dead = false;

  constructor(bytesMax: number = limits.frameBytesMax) {
    this.bytesMax = bytesMax;
  }

  /** Whether the stream, if it ended here, would end inside a frame. */
  get partial(): boolean {
    return this.headerFilled > 0 || this.body.length > 0;
  }

  /**
   * Takes the next bytes of the stream and hands over each body that they complete.
   * @throws ERR_FRAME_INVALID on a length of 0 or above the bound, on a wrong checksum, and at
   * every call after one that threw
   */
  push(chunk: Uint8Array, onBody: (body: Uint8Array) => void): void {
    if (this.dead) throw frameInvalid("the stream is broken by an earlier fault");
    this.dead = true;
    let at = 0;
    while (at < chunk.length) {
      at = this.body.length > 0 ? this.fillBody(chunk, at, onBody) : this.start(chunk, at, onBody);
    }
    this.dead = false;
  }

  /**
   * Reads a header, and the body where the chunk holds all of it. Returns where the next byte to
   * read is.
   */
  private start(chunk: Uint8Array, from: number, onBody: (body: Uint8Array) => void): number {
    let at = from;
    let length: number;
    if (this.headerFilled === 0 && chunk.length - at >= frameHeaderBytes) {
      length = uint32At(chunk, at);
      this.checksum = uint32At(chunk, at + 4);
      at += frameHeaderBytes;
    } else {
      const part = chunk.subarray(at, at + frameHeaderBytes - this.headerFilled);
      this.header.set(part, this.headerFilled);
      this.headerFilled += part.length;
      at += part.length;
      if (this.headerFilled < frameHeaderBytes) return at;
      this.headerFilled = 0;
      length = uint32At(this.header, 0);
      this.checksum = uint32At(this.header, 4);
    }
    if (length === 0 || length > this.bytesMax) {
      throw frameInvalid(`a frame of ${length} bytes; allowed are 1 to ${this.bytesMax}`);
    }
    if (chunk.length - at >= length) {
      this.deliver(chunk.subarray(at, at + length), onBody);
      return at + length;
    }
    // Memory of its own, not of the shared pool: a body is kept for as long as its blocks are.
    this.body = Buffer.allocUnsafeSlow(length);
    this.bodyFilled = 0;
    return at;
  }

  private fillBody(chunk: Uint8Array, at: number, onBody: (body: Uint8Array) => void): number {
    const { body } = this;
    const part = chunk.subarray(at, at + body.length - this.bodyFilled);
    body.set(part, this.bodyFilled);
    this.bodyFilled += part.length;
    if (this.bodyFilled === body.length) {
      this.body = none;
      this.bodyFilled = 0;
      this.deliver(body, onBody);
    }
    return at + part.length;
  }

  private deliver(body: Uint8Array, onBody: (body: Uint8Array) => void): void {
    const found = crc32c(body);
    if (found !== this.checksum) {
      throw frameInvalid(
        `a frame of ${body.length} bytes has checksum ${found}, its header says ${this.checksum}`,
      );
    }
    onBody(body);
  }
}

function uint32At(bytes: Uint8Array, at: number): number {
  const low = ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return (bytes[at] ?? 0) * 0x100_0000 + low;
}
