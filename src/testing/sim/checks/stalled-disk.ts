/**
 * A node whose disk does not answer falls silent, so that its groups find leaders elsewhere: as a
 * leader it could go on for ever through its followers' disks, and hold every caller that waits for
 * its own (etcd #13527, #15247). Once as many commits wait as a store may have under way, no round
 * runs, and with it no heartbeat leaves; one that leaves an election timeout later was sent past
 * the disk.
 */
import type { Check, SentMessage, Stage } from "../check.ts";
import { Violation } from "../violation.ts";

export class StalledDisk implements Check {
  readonly name = "stalled-disk";
  private readonly stage: Stage;
  private readonly electionUs: number;

  constructor(stage: Stage) {
    this.stage = stage;
    const { tickMs, electionTicks } = stage.options;
    this.electionUs = tickMs * electionTicks * 1_000;
  }

  onSend({ from, group, message }: SentMessage): void {
    if (message.kind !== "heartbeatRequest" && message.kind !== "parkRequest") return;
    const stalledUs = this.stage.stalledUs(from, this.stage.shardOf(from, group));
    if (stalledUs <= this.electionUs) return;
    throw new Violation(
      this.name,
      `${from} sends a heartbeat of group ${group}, and its disk has not answered for ` +
        `${stalledUs} µs`,
    );
  }
}
