/**
 * A node of the bench: a process that embeds the engine as a service would, by its public API, and
 * loads the groups that it leads.
 */
import { Engine } from "../../../src/index.ts";
import type { ShardStats } from "../../../src/index.ts";
import { createEverywhere } from "../../../src/cli/create-everywhere.ts";
import { answerParent, reportToParent } from "../../../src/cli/answer-parent.ts";
import { moduleBeside } from "../../../src/cli/module-beside.ts";
import { kvMachineUrl } from "../../../src/service/index.ts";
import { fillGroups } from "../load/fill.ts";
import { firstWrites } from "../load/first-writes.ts";
import type { Load, LoadSettings, Target } from "../load/load.ts";
import { openLoad } from "../load/open-load.ts";
import { sharedMs } from "../shared-clock.ts";
import { writesOf } from "../work.ts";
import { appliedIndexes, untilApplied } from "./applied-indexes.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import { heapOfNode } from "./heap.ts";
import type { HeapBytes } from "./heap.ts";
import type { NodeCounters, NodeWindow, Opened, Report, ToNode } from "./node-messages.ts";

const reportMs = 250;
/** Groups that one node creates at the same time. */
const groupsAtOnce = 512;
const createMs = 60_000;
const leadersInMs = 300_000;
/** The most entries that one call of `fill` makes. */
const fillBatch = 256;
const machineUrls: Readonly<Record<ClusterSettings["machine"], URL>> = {
  checksum: moduleBeside(import.meta.url, "checksum-machine"),
  heap: moduleBeside(import.meta.url, "heap-machine"),
  kv: kvMachineUrl,
};

let engine: Engine | undefined;
let machine: ClusterSettings["machine"] = "checksum";
let shardCount = 1;
let load: Load | undefined;
let reports: NodeJS.Timeout | undefined;
let rssPeakBytes = 0;
let firstWritten: Promise<readonly number[]> | undefined;

function present(): Engine {
  if (engine === undefined) throw new Error("The node is not open yet");
  return engine;
}

function targetOf(groups: readonly number[]): Target {
  return { engine: present(), machine, groups };
}

async function open({ node, dir, settings }: Extract<ToNode, { kind: "open" }>): Promise<Opened> {
  const { shards, durability, tuning } = settings;
  ({ machine, shards: shardCount } = settings);
  const calledMs = sharedMs();
  engine = await Engine.open({
    ...tuning,
    cluster: "bench",
    node,
    dir,
    listen: { host: "127.0.0.1", port: 0 },
    stateMachine: machineUrls[machine],
    shards,
    durability,
  });
  return { address: engine.address, calledMs, openMs: sharedMs() };
}

async function createGroups(
  groups: readonly number[],
  members: readonly string[],
): Promise<undefined> {
  for (let first = 0; first < groups.length; first += groupsAtOnce) {
    await Promise.all(
      groups.slice(first, first + groupsAtOnce).map(async (group) => {
        await createEverywhere(present(), { group, members, timeoutMs: createMs });
        await present().awaitLeader(group, { timeoutMs: createMs });
      }),
    );
  }
  return undefined;
}

function led(): number[] {
  return present()
    .groups()
    .filter(({ role }) => role === "leader")
    .map(({ group }) => group);
}

async function awaitLeaders(): Promise<number> {
  const waits = present()
    .groups()
    .map(({ group }) => present().awaitLeader(group, { timeoutMs: leadersInMs }));
  await Promise.all(waits);
  return sharedMs();
}

async function fill({ entries, valueBytes }: Extract<ToNode, { kind: "fill" }>): Promise<void> {
  const work = writesOf({ valueBytes, single: false, batch: fillBatch });
  await fillGroups(targetOf(led()), entries, work);
}

function startFirstWrites(groups: readonly number[]): void {
  firstWritten = firstWrites(targetOf(groups));
  // Whoever asks for them is told; until then it must not end the process.
  firstWritten.catch(() => {});
}

async function startLoad(
  settings: LoadSettings,
  groups: readonly number[] = led(),
): Promise<undefined> {
  load = await openLoad(targetOf(groups), settings);
  load.start();
  const report = (): void => {
    notePeak();
    reportToParent({ done: load?.done ?? 0 } satisfies Report);
  };
  reports = setInterval(report, reportMs);
  return undefined;
}

async function stopLoad(): Promise<undefined> {
  clearInterval(reports);
  await load?.stop();
  load = undefined;
  return undefined;
}

function notePeak(): void {
  rssPeakBytes = Math.max(rssPeakBytes, process.memoryUsage.rss());
}

async function take(): Promise<NodeWindow> {
  const taken = load?.take();
  const atMs = performance.now();
  notePeak();
  const peak = rssPeakBytes;
  rssPeakBytes = 0;
  return { load: taken, atMs, counters: await counters(), rssPeakBytes: peak };
}

function heap(): Promise<HeapBytes> {
  if (machine !== "heap") throw new Error("Only the machine heap can say what its worker holds");
  return heapOfNode(present(), shardCount);
}

async function counters(): Promise<NodeCounters> {
  const { user, system } = process.cpuUsage();
  const shards = await present().stats();
  const sum = (pick: (shard: ShardStats) => number): number =>
    shards.reduce((total, shard) => total + pick(shard), 0);
  return {
    cpuMicros: user + system,
    commits: sum(({ store }) => store.commits),
    flushes: sum(({ store }) => store.flushes),
    bytesWritten: sum(({ store }) => store.bytesWritten),
    bytesStored: sum(({ store }) => store.bytesStored),
    framesSent: sum(({ transport }) => transport.framesSent),
    bytesSent: sum(({ transport }) => transport.bytesSent),
    messagesSent: sum(({ messagesOut }) => messagesOut),
    rounds: sum(({ rounds }) => rounds),
    leaders: sum(({ leaders }) => leaders),
  };
}

answerParent<ToNode>(async (message) => {
  switch (message.kind) {
    case "open":
      return await open(message);
    case "peers":
      return await present().setPeers(message.addresses);
    case "createGroups":
      return await createGroups(message.groups, message.members);
    case "startLoad":
      return await startLoad(message.load, message.groups);
    case "take":
      return await take();
    case "stopLoad":
      return await stopLoad();
    case "led":
      return led();
    case "counters":
      return await counters();
    case "awaitLeaders":
      return await awaitLeaders();
    case "fill":
      return await fill(message);
    case "applied":
      return await appliedIndexes(targetOf([...present().groups().keys()]));
    case "reach":
      return await untilApplied(targetOf([]), message.targets);
    case "startFirstWrites":
      return startFirstWrites(message.groups);
    case "firstWrites":
      return await firstWritten;
    case "heap":
      return await heap();
    case "close":
      await stopLoad();
      return await engine?.close();
  }
});
