/**
 * A node whose disk does not answer falls silent, so that its groups find leaders elsewhere: as a
 * leader it could go on for ever through its followers' disks, and hold every caller that waits for
 * its own (etcd #13527, #15247). A heartbeat that leaves though no commit in flight has ended for
 * longer than an election timeout was sent past the disk. A thread that its own flush has held, or
 * that did not run, could not find that out: its time counts from when it was let go.
 */
import type { Check, SentMessage, Stage } from "../check.ts";
import { Violation } from "../violation.ts";

/** A tick that is being handled, and one that a slow thread has not come to. */
const lateTicks = 2;

export class StalledDisk implements Check {
  readonly name = "stalled-disk";
  private readonly stage: Stage;
  private readonly silentUs: number;

  constructor(stage: Stage) {
    this.stage = stage;
    const { tickMs, electionTicks } = stage.options;
    this.silentUs = tickMs * (electionTicks + lateTicks) * 1_000;
  }

  onSend({ from, group, message }: SentMessage): void {
    if (message.kind !== "heartbeatRequest" && message.kind !== "parkRequest") return;
    const stalledUs = this.stage.stalledUs(from, this.stage.shardOf(from, group));
    if (stalledUs <= this.silentUs) return;
    throw new Violation(
      this.name,
      `${from} sends a heartbeat of group ${group}, and its disk has not answered for ` +
        `${stalledUs} µs`,
    );
  }
}
