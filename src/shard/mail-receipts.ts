/**
 * The engine's receipts for answers. A shard goes on answering until the answers that the engine
 * has not read use up their share; the engine tells it now and then how much it has read, so that
 * a main thread that is held up gathers no memory without end.
 *
 *     shard ──answers──► engine ──"so many bytes read", once they are half of the share──► shard
 */
import { byteShares } from "./byte-budget.ts";
import { callKind } from "./mail-records.ts";
import type { MailReader, MailWriter } from "./mail.ts";

export class MailReceipts {
  /** Half of the share: when all is read, less than half is not told, and the shard goes on. */
  private readonly leastBytes: number;
  private bytes = 0;

  constructor(shardBytesMax: number) {
    this.leastBytes = Math.floor(byteShares(shardBytesMax).unread / 2);
  }

  /** Mail has been read. Returns whether a receipt was written, which has to leave. */
  note({ answerBytes }: MailReader, writer: MailWriter): boolean {
    this.bytes += answerBytes;
    if (this.bytes === 0 || this.bytes < this.leastBytes) return false;
    writer.begin(callKind.receipt, 0);
    writer.double(this.bytes);
    this.bytes = 0;
    return true;
  }

  /** Another shard answers from now on. */
  reset(): void {
    this.bytes = 0;
  }
}
