/** A node of the demo: a process that embeds the engine and does what its parent asks. */
import { Engine } from "../../engine/index.ts";
import { kvMachineUrl } from "../../service/index.ts";
import { answerParent, reportToParent } from "../answer-parent.ts";
import { createEverywhere } from "../create-everywhere.ts";
import { checkNode, positionsOf } from "./check-node.ts";
import { demoCluster, demoNodes } from "./demo-options.ts";
import type { DemoOptions } from "./demo-options.ts";
import { HistoryReader } from "./history-reader.ts";
import { HistoryRecorder, journalSuffix } from "./history-recorder.ts";
import { Load } from "./load.ts";
import type { NodeStats, ToNode } from "./messages.ts";

interface Node {
  readonly engine: Engine;
  readonly options: DemoOptions;
  readonly load: Load;
  readonly recorder: HistoryRecorder | undefined;
  readonly reader: HistoryReader | undefined;
}

let node: Node | undefined;

function present(): Node {
  if (node === undefined) throw new Error("The node is not open yet");
  return node;
}

async function open(message: Extract<ToNode, { kind: "open" }>): Promise<string> {
  const { options, life, dir } = message;
  const engine = await Engine.open({
    cluster: demoCluster,
    node: message.node,
    dir,
    listen: { host: "127.0.0.1", port: 0 },
    stateMachine: kvMachineUrl,
    shards: options.shards,
    durability: options.durability,
  });
  const recorder =
    options.history === undefined
      ? undefined
      : new HistoryRecorder(`${dir}.${life}${journalSuffix}`, options, {
          node: message.node,
          life,
        });
  const reader = recorder && new HistoryReader(engine, options, recorder);
  const load = new Load(engine, options, life, { send: reportToParent, recorder });
  node = { engine, options, load, recorder, reader };
  return engine.address;
}

async function createGroups(groups: readonly number[]): Promise<void> {
  const { engine } = present();
  await Promise.all(
    groups.map(async (group) => {
      await createEverywhere(engine, { group, members: demoNodes, timeoutMs: 30_000 });
      await engine.awaitLeader(group, { timeoutMs: 30_000 });
    }),
  );
}

async function stats(): Promise<NodeStats> {
  const { engine } = present();
  const shards = await engine.stats();
  const sum = (pick: (shard: (typeof shards)[number]) => number): number =>
    shards.reduce((total, shard) => total + pick(shard), 0);
  const { user, system } = process.cpuUsage();
  return {
    cpuMicros: user + system,
    flushes: sum(({ store }) => store.flushes),
    bytesStored: sum(({ store }) => store.bytesStored),
    leaders: sum(({ leaders }) => leaders),
  };
}

async function answer(message: ToNode): Promise<unknown> {
  switch (message.kind) {
    case "open":
      return await open(message);
    case "peers":
      return await present().engine.setPeers(message.addresses);
    case "createGroups":
      return await createGroups(message.groups);
    case "startLoad":
      present().load.start();
      present().reader?.start();
      return undefined;
    case "stopLoad":
      await present().load.stop();
      return await present().reader?.stop();
    case "positions":
      return await positionsOf(present().engine, present().options.groups);
    case "led":
      return present()
        .engine.groups()
        .filter(({ role }) => role === "leader")
        .map(({ group }) => group);
    case "check":
      return await checkNode(present().engine, present().options, message.lives);
    case "stats":
      return await stats();
    case "close":
      present().load.end();
      await present().engine.close();
      present().recorder?.close();
      return undefined;
  }
}

answerParent(answer);
