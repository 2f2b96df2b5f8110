/** One Redis server that flushes before it answers: a yardstick without consensus. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "./free-ports.ts";
import { arePrograms, outputOf } from "./installed.ts";
import { combineFigures, divide } from "./member-lines.ts";
import { withMembers } from "./member-process.ts";
import type { Peer, PeerFigures, PeerWork } from "./peer.ts";
import { RedisClient, askRedis } from "./redis-client.ts";
import { cpuMicrosOf, redisVersionOf } from "./redis-replies.ts";

/**
 * The server takes at most 16 KiB of a connection in one turn of its loop, and flushes once a turn:
 * many commands in flight need several connections.
 */
const commandsPerConnection = 128;
const connectionsMax = 64;
const startPollMs = 20;

export const redis: Peer = {
  name: "redis",
  packages: ["redis-server"],
  remark:
    "a yardstick without consensus: one server, no replica, no groups; fdatasync of its append-only file " +
    "before an answer, once a turn of its loop; pipelined SETs of this process over loopback",

  async prepare() {
    if (!arePrograms("redis-server", "setpriv")) return undefined;
    return redisVersionOf(await outputOf("redis-server", "--version"));
  },

  async run(work: PeerWork) {
    const dir = join(work.dir, "redis");
    await mkdir(dir);
    const [port = 0] = await freePorts(1);
    const program = {
      command: "redis-server",
      arguments: serverOptions(port, dir),
      signal: work.signal,
    };
    const stop = new AbortController();
    const signal = AbortSignal.any([work.signal, stop.signal]);
    return await withMembers([program], async ([server]) => {
      if (server === undefined) throw new Error("no server was started");
      // It says nothing that is an answer: this settles where it ends.
      const ended = server.next().then(() => {
        throw new Error("redis said something unexpected");
      });
      try {
        return await Promise.race([measure(port, { ...work, signal }), ended]);
      } finally {
        stop.abort();
      }
    });
  },
};

function serverOptions(port: number, dir: string): string[] {
  const options = {
    port: `${port}`,
    bind: "127.0.0.1",
    dir,
    appendonly: "yes",
    appendfsync: "always",
    // Neither snapshots nor rewrites of the file in a run of seconds.
    save: "",
    "auto-aof-rewrite-percentage": "0",
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

async function measure(port: number, work: PeerWork): Promise<PeerFigures> {
  await awaitServer(port, work.signal);
  const count = Math.min(connectionsMax, Math.ceil(work.outstanding / commandsPerConnection));
  const shares = divide(
    work.outstanding,
    Array.from({ length: count }, () => 1),
  );
  const clients: RedisClient[] = [];
  try {
    for (const [number, outstanding] of shares.entries()) {
      const { valueBytes } = work;
      clients.push(await RedisClient.open({ port, number, outstanding, valueBytes }));
    }
    const running = Promise.all(clients.map((client) => client.run()));
    const figures = await Promise.race([running, measureClients(port, clients, work)]);
    if (Array.isArray(figures)) throw new Error("redis closed its connections");
    return figures;
  } finally {
    for (const client of clients) client.stop();
  }
}

async function measureClients(
  port: number,
  clients: readonly RedisClient[],
  { warmUpSeconds, seconds, signal }: PeerWork,
): Promise<PeerFigures> {
  await sleep(warmUpSeconds * 1_000, undefined, { signal });
  const serverBefore = cpuMicrosOf(await askRedis(port, "INFO cpu"));
  const ownBefore = process.cpuUsage();
  const startMs = performance.now();
  for (const client of clients) client.restart();
  await sleep(seconds * 1_000, undefined, { signal });
  const measuredSeconds = (performance.now() - startMs) / 1_000;
  const acknowledged = clients.reduce((sum, client) => sum + client.acknowledged, 0);
  const latenciesUs = clients.flatMap((client) => client.latenciesUs);
  const { user, system } = process.cpuUsage(ownBefore);
  const cpuMicros = user + system + cpuMicrosOf(await askRedis(port, "INFO cpu")) - serverBefore;
  return combineFigures([{ acknowledged, seconds: measuredSeconds, cpuMicros, latenciesUs }]);
}

async function awaitServer(port: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await askRedis(port, "INFO cpu");
      return;
    } catch {
      await sleep(startPollMs, undefined, { signal });
    }
  }
}
