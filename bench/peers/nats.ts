import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { goPeer, runServers } from "./go-peer.ts";
import { outputOf } from "./installed.ts";
import type { PeerFigures, PeerWork } from "./peer.ts";

/** Debian's place for it, where only root looks for programs. */
const server = "/usr/sbin/nats-server";

/** Each stream is a Raft group; they take long to be created. */
const streamsMax = 48;

export const nats = goPeer({
  name: "nats-jetstream",
  packages: ["nats-server", "golang-github-nats-io-go-nats-dev", "golang-go"],
  remark:
    `three servers, a stream of three replicas a group, ${streamsMax} at most; before 2.10 it cannot be ` +
    "told to fsync first: an acknowledged message may be in page caches only; published from a process " +
    "of its own to the streams' leaders",
  program: "nats-load",
  run: runNats,
});

interface ServerPlace {
  readonly name: string;
  readonly storeDir: string;
  readonly clientPort: number;
  readonly routePort: number;
  /** Of all servers. */
  readonly routePorts: readonly number[];
}

/** The configuration file of one server of the cluster. */
export function natsConfig(place: ServerPlace, syncAlways: boolean): string {
  const routes = place.routePorts.map((port) => `nats://127.0.0.1:${port}`);
  return `server_name: ${place.name}
listen: "127.0.0.1:${place.clientPort}"
jetstream {
  store_dir: ${JSON.stringify(place.storeDir)}
  max_memory_store: 1GB
  max_file_store: 64GB
${syncAlways ? "  sync_interval: always\n" : ""}}
cluster {
  name: bench
  listen: "127.0.0.1:${place.routePort}"
  routes: ${JSON.stringify(routes)}
}
`;
}

/** `sync_interval: always` came with 2.10; an older server refuses to start with it. */
export function takesSyncAlways(version: string): boolean {
  const [, major, minor] = /v(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);
}

async function runNats(program: string, work: PeerWork): Promise<PeerFigures> {
  const { dir, signal } = work;
  const syncAlways = takesSyncAlways(await outputOf(server, "--version"));
  const ports = await freePorts(6);
  const routePorts = ports.slice(3);
  const servers = await Promise.all(
    routePorts.map(async (routePort, at) => {
      const name = `m${at + 1}`;
      const clientPort = ports[at] ?? 0;
      const place = { name, storeDir: join(dir, name), clientPort, routePort, routePorts };
      const file = join(dir, `${name}.conf`);
      await writeFile(file, natsConfig(place, syncAlways));
      return { command: server, arguments: ["-c", file], signal };
    }),
  );
  const endpoints = routePorts.map((_port, at) => `nats://127.0.0.1:${ports[at]}`).join(",");
  const load = {
    command: program,
    arguments: [`--endpoints=${endpoints}`, `--streams=${Math.min(work.groups, streamsMax)}`],
    signal,
  };
  return await runServers({ servers, load }, work);
}
