/**
 * The AppendRequests that a leader has sent to one follower and not seen acknowledged: a sliding
 * window bounded by messages and by bytes. A message is freed by an acknowledgement of its last
 * index or of any later one.
 */
import { assert } from "../../base/index.ts";
import type { Index } from "../../base/index.ts";

export class Inflights {
  private readonly messagesMax: number;
  private readonly bytesMax: number;
  private lastIndexes: Index[] = [];
  private sizes: number[] = [];
  /** Messages before this position are freed. */
  private head = 0;
  private bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.messagesMax = messagesMax;
    this.bytesMax = bytesMax;
  }

  get count(): number {
    return this.lastIndexes.length - this.head;
  }

  /**
   * Whether no further message may be sent. One message larger than the window may travel alone.
   */
  get full(): boolean {
    return this.count >= this.messagesMax || this.bytes >= this.bytesMax;
  }

  add(lastIndex: Index, bytes: number): void {
    assert(!this.full, "window has room");
    assert(
      this.count === 0 || (this.lastIndexes.at(-1) ?? 0) < lastIndex,
      "messages are sent in ascending order",
    );
    this.lastIndexes.push(lastIndex);
    this.sizes.push(bytes);
    this.bytes += bytes;
  }

  /** Frees every message whose last index is at most `index`. */
  freeTo(index: Index): void {
    let { head } = this;
    while (head < this.lastIndexes.length && (this.lastIndexes[head] ?? 0) <= index) {
      this.bytes -= this.sizes[head] ?? 0;
      head += 1;
    }
    this.head = head;
    if (head === this.lastIndexes.length) this.reset();
    else if (head >= this.messagesMax) {
      this.lastIndexes = this.lastIndexes.slice(head);
      this.sizes = this.sizes.slice(head);
      this.head = 0;
    }
  }

  reset(): void {
    this.lastIndexes.length = 0;
    this.sizes.length = 0;
    this.head = 0;
    this.bytes = 0;
  }
}
