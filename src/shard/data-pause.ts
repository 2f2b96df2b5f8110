/**
 * Why data lanes are not read: entries in memory that the disk has not taken yet, or answers that
 * the engine has not read. Both wait for nothing but this node.
 */
import type { Transport } from "../transport/index.ts";

export class DataPause {
  private readonly transport: Pick<Transport, "pauseData">;
  private readonly reasons: Set<"entries" | "answers"> = new Set();

  constructor(transport: Pick<Transport, "pauseData">) {
    this.transport = transport;
  }

  has(reason: "entries" | "answers"): boolean {
    return this.reasons.has(reason);
  }

  begin(reason: "entries" | "answers"): void {
    if (this.reasons.size === 0) this.transport.pauseData(true);
    this.reasons.add(reason);
  }

  end(reason: "entries" | "answers"): void {
    if (this.reasons.delete(reason) && this.reasons.size === 0) this.transport.pauseData(false);
  }
}
