/** What a cluster did under load in a span of time. */
import { Latencies } from "../latencies.ts";
import type { NodeCounters, NodeWindow } from "./node-messages.ts";

export interface LoadWindow {
  /** Commands and reads answered a second, over all nodes. */
  readonly perSecond: number;
  readonly done: number;
  /** Reads a second, of all that is answered. */
  readonly readsPerSecond: number;
  readonly failed: Readonly<Record<string, number>>;
  /** Of those that failed: how many may have been applied all the same. */
  readonly unknown: number;
  readonly writeLatencies: Latencies;
  readonly readLatencies: Latencies;
  readonly sendDelays: Latencies;
  /** How much the counters of all nodes grew. */
  readonly used: NodeCounters;
  /** The most memory that one node had resident while it was loaded, in bytes. */
  readonly rssPeakBytes: number;
  /** Length of the window, on the average of the nodes. */
  readonly seconds: number;
}

export function sumOfWindows(
  before: ReadonlyMap<string, NodeWindow>,
  after: ReadonlyMap<string, NodeWindow>,
): LoadWindow {
  const writeLatencies = new Latencies();
  const readLatencies = new Latencies();
  const sendDelays = new Latencies();
  const failed: Record<string, number> = {};
  const used = zeroCounters();
  let perSecond = 0;
  let readsPerSecond = 0;
  let done = 0;
  let unknown = 0;
  let rssPeakBytes = 0;
  let seconds = 0;
  for (const [node, { load, atMs, counters, rssPeakBytes: rss }] of after) {
    const start = before.get(node);
    if (start === undefined) continue;
    const elapsed = (atMs - start.atMs) / 1_000;
    seconds += elapsed / after.size;
    addGrowth(used, start.counters, counters);
    if (load === undefined) continue;
    rssPeakBytes = Math.max(rssPeakBytes, rss);
    unknown += load.unknown;
    perSecond += load.done / elapsed;
    done += load.done;
    readsPerSecond += load.reads / elapsed;
    writeLatencies.addEncoded(load.writeLatencies);
    readLatencies.addEncoded(load.readLatencies);
    sendDelays.addEncoded(load.sendDelays);
    for (const [code, count] of Object.entries(load.failed)) {
      failed[code] = (failed[code] ?? 0) + count;
    }
  }
  return {
    perSecond,
    readsPerSecond,
    done,
    failed,
    unknown,
    writeLatencies,
    readLatencies,
    sendDelays,
    used,
    rssPeakBytes,
    seconds,
  };
}

type Growing = { -readonly [K in keyof NodeCounters]: number };

function zeroCounters(): Growing {
  return {
    cpuMicros: 0,
    commits: 0,
    flushes: 0,
    bytesWritten: 0,
    bytesStored: 0,
    framesSent: 0,
    bytesSent: 0,
    messagesSent: 0,
    rounds: 0,
    leaders: 0,
  };
}

function addGrowth(sum: Growing, before: NodeCounters, after: NodeCounters): void {
  sum.cpuMicros += after.cpuMicros - before.cpuMicros;
  sum.commits += after.commits - before.commits;
  sum.flushes += after.flushes - before.flushes;
  sum.bytesWritten += after.bytesWritten - before.bytesWritten;
  sum.bytesStored += after.bytesStored - before.bytesStored;
  sum.framesSent += after.framesSent - before.framesSent;
  sum.bytesSent += after.bytesSent - before.bytesSent;
  sum.messagesSent += after.messagesSent - before.messagesSent;
  sum.rounds += after.rounds - before.rounds;
  sum.leaders += after.leaders - before.leaders;
}
