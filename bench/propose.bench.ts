/**
 * Throughput of proposals, closed loop: three engines in one process, so that one profile shows
 * all of them, many groups, a number of proposals always under way.
 *
 *     npm run bench -- [--groups 1000] [--outstanding 8192] [--seconds 5] [--durability strict]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { RaftError } from "../src/base/index.ts";
import { Engine } from "../src/engine/index.ts";
import { encodePut, kvMachineUrl } from "../src/service/index.ts";

const members = ["n1", "n2", "n3"];
const warmUpMs = 4_000;

const { values } = parseArgs({
  options: {
    groups: { type: "string", default: "1000" },
    outstanding: { type: "string", default: "8192" },
    seconds: { type: "string", default: "5" },
    durability: { type: "string", default: "strict" },
  },
});
const groups = Number(values.groups);
const outstanding = Number(values.outstanding);
const seconds = Number(values.seconds);
const durability = durabilityOf(values.durability);

function durabilityOf(text: string): "strict" | "pipelined" | "none" {
  if (text === "strict" || text === "pipelined" || text === "none") return text;
  throw new Error(`--durability must be strict, pipelined or none, got ${text}`);
}

async function openAll(base: string): Promise<Engine[]> {
  const engines = await Promise.all(
    members.map((node) =>
      Engine.open({
        cluster: "bench",
        node,
        dir: join(base, node),
        listen: { host: "127.0.0.1", port: 0 },
        stateMachine: kvMachineUrl,
        shards: 1,
        durability,
      }),
    ),
  );
  const addresses = Object.fromEntries(engines.map(({ node, address }) => [node, address]));
  await Promise.all(engines.map((engine) => engine.setPeers(addresses)));
  return engines;
}

let done = 0;
let active = true;

async function client(engine: Engine, group: number, number: number): Promise<void> {
  const command = encodePut(`${engine.node}.${number}`, new Uint8Array(16));
  while (active) {
    try {
      await engine.propose(group, command);
      done += 1;
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      if (error.code === "ERR_NOT_LEADER") return;
    }
  }
}

async function run(engines: readonly Engine[]): Promise<void> {
  const creations: Promise<unknown>[] = [];
  const clients: Promise<void>[] = [];
  const perGroup = Math.max(1, Math.round((outstanding * members.length) / groups));
  for (let group = 0; group < groups; group += 1) {
    const engine = engines[group % engines.length];
    if (engine === undefined) continue;
    creations.push(
      engine
        .createGroup({ group, members, timeoutMs: 20_000 })
        .then(() => engine.awaitLeader(group)),
    );
  }
  await Promise.all(creations);
  for (let group = 0; group < groups; group += 1) {
    const engine = engines[group % engines.length];
    for (let number = 0; engine !== undefined && number < perGroup; number += 1) {
      clients.push(client(engine, group, number));
    }
  }
  await sleep(warmUpMs);
  const before = { done, cpu: process.cpuUsage(), ms: performance.now() };
  await sleep(seconds * 1_000);
  const proposals = done - before.done;
  const { user, system } = process.cpuUsage(before.cpu);
  const elapsed = (performance.now() - before.ms) / 1_000;
  process.stdout.write(
    `${JSON.stringify({
      groups,
      outstanding,
      durability,
      proposalsPerSecond: Math.round(proposals / elapsed),
      cpuMicrosPerProposal: Math.round(((user + system) * 100) / proposals) / 100,
    })}\n`,
  );
  active = false;
  await Promise.all(clients);
}

const base = await mkdtemp(join(tmpdir(), "flotilla-bench-"));
try {
  const engines = await openAll(base);
  try {
    await run(engines);
  } finally {
    await Promise.all(engines.map((engine) => engine.close()));
  }
} finally {
  await rm(base, { recursive: true, force: true });
}
