/**
 * What the clients of the demo have been promised, kept outside the nodes so that it survives their
 * deaths. Detects at once what no final check could: two acknowledgements of the same version mean
 * that the first write was lost.
 */
import { clientsPerGroup } from "./demo-options.ts";
import type { DemoOptions, LifeRecord } from "./demo-options.ts";
import type { Report } from "./messages.ts";

const samplesMax = 5;
/** More writes than one client can make. */
const anyNumber = 0xffff_ffff;

export class Ledger {
  /** Acknowledged writes, over all lives. */
  acknowledged = 0;
  /** Writes whose outcome their client could not learn. */
  unknown = 0;
  violations = 0;
  readonly samples: string[] = [];
  readonly lives: LifeRecord[] = [];
  private readonly latencies: number[] = [];
  /** When each group was last led anew, and by report of a living node only. */
  private readonly ledMs: Map<number, number> = new Map();

  /** Starts the tables of a process's life; returns who takes its reports. */
  begin(options: DemoOptions, node: string, life: number): (report: Report) => void {
    const slots = options.groups * clientsPerGroup(options);
    const record: LifeRecord = {
      node,
      life,
      acknowledged: new Uint32Array(slots),
      versions: new Uint32Array(slots),
      unknown: new Uint32Array(slots),
    };
    this.lives.push(record);
    return (report) => this.take(record, report);
  }

  private take(record: LifeRecord, { acks, led, latencies }: Report): void {
    for (let at = 0; at < acks.length; at += 2) {
      const slot = acks[at] ?? 0;
      const version = acks[at + 1] ?? 0;
      if (version === 0) {
        record.unknown[slot] = (record.unknown[slot] ?? 0) + 1;
        this.unknown += 1;
        continue;
      }
      const newest = record.versions[slot] ?? 0;
      if (version <= newest) this.violate(record, slot, version, newest);
      record.versions[slot] = version;
      record.acknowledged[slot] = (record.acknowledged[slot] ?? 0) + 1;
      this.acknowledged += 1;
    }
    for (let at = 0; at < led.length; at += 2) this.ledMs.set(led[at] ?? 0, led[at + 1] ?? 0);
    for (const latency of latencies) this.latencies.push(latency);
  }

  private violate(record: LifeRecord, slot: number, version: number, newest: number): void {
    this.violations += 1;
    if (this.samples.length >= samplesMax) return;
    this.samples.push(
      `${record.node} life ${record.life} slot ${slot}: version ${version} acknowledged after ${newest}`,
    );
  }

  /**
   * A killed process takes with it what its clients were told since its last report, and the next
   * writes that they made on the strength of it: how many there were, nobody can say.
   */
  endByKill(node: string): void {
    this.lives.findLast((life) => life.node === node)?.unknown.fill(anyNumber);
  }

  /** When each of these groups was led again after a moment; undefined for those that were not. */
  ledAfter(groups: readonly number[], sinceMs: number): (number | undefined)[] {
    return groups.map((group) => {
      const ms = this.ledMs.get(group);
      return ms === undefined || ms < sinceMs ? undefined : ms;
    });
  }

  /** The latencies sampled so far, in ms, sorted. */
  takeLatencies(): number[] {
    return this.latencies.splice(0).sort((a, b) => a - b);
  }
}
