/**
 * A node of the bench: a process that embeds the engine as a service would, by its public API, and
 * loads the groups that it leads.
 */
import { Engine } from "../../../src/index.ts";
import type { ShardStats } from "../../../src/index.ts";
import { answerParent, reportToParent } from "../../../src/cli/answer-parent.ts";
import { moduleBeside } from "../../../src/cli/module-beside.ts";
import { kvMachineUrl } from "../../../src/service/index.ts";
import type { Load, LoadSettings } from "../load/load.ts";
import { openLoad } from "../load/open-load.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import type { NodeCounters, NodeWindow, Report, ToNode } from "./node-messages.ts";

const reportMs = 250;
/** Groups that one node creates at the same time. */
const groupsAtOnce = 512;
const createMs = 60_000;
const machineUrls: Readonly<Record<ClusterSettings["machine"], URL>> = {
  checksum: moduleBeside(import.meta.url, "checksum-machine"),
  kv: kvMachineUrl,
};

let engine: Engine | undefined;
let machine: ClusterSettings["machine"] = "checksum";
let load: Load | undefined;
let reports: NodeJS.Timeout | undefined;

function present(): Engine {
  if (engine === undefined) throw new Error("The node is not open yet");
  return engine;
}

async function open({ node, dir, settings }: Extract<ToNode, { kind: "open" }>): Promise<string> {
  const { shards, durability, tuning } = settings;
  ({ machine } = settings);
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
  return engine.address;
}

async function createGroups(
  groups: readonly number[],
  members: readonly string[],
): Promise<undefined> {
  for (let first = 0; first < groups.length; first += groupsAtOnce) {
    await Promise.all(
      groups.slice(first, first + groupsAtOnce).map(async (group) => {
        const { notStarted } = await present().createGroup({ group, members, timeoutMs: createMs });
        if (notStarted.length > 0)
          throw new Error(`Group ${group} did not start on ${notStarted.join()}`);
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

async function startLoad(settings: LoadSettings): Promise<undefined> {
  load = await openLoad({ engine: present(), machine, groups: led() }, settings);
  load.start();
  const report = (): void => reportToParent({ done: load?.done ?? 0 } satisfies Report);
  reports = setInterval(report, reportMs);
  return undefined;
}

async function stopLoad(): Promise<undefined> {
  clearInterval(reports);
  await load?.stop();
  load = undefined;
  return undefined;
}

async function take(): Promise<NodeWindow> {
  const taken = load?.take();
  const atMs = performance.now();
  return { load: taken, atMs, counters: await counters() };
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
      return await startLoad(message.load);
    case "take":
      return await take();
    case "stopLoad":
      return await stopLoad();
    case "led":
      return led();
    case "counters":
      return await counters();
    case "close":
      await stopLoad();
      return await engine?.close();
  }
});
