/** RabbitMQ's ra, by the Erlang modules in `ra/`: three Erlang nodes, as many groups as asked for. */
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { arePrograms, cachedBuild, outputOf, sourceDir } from "./installed.ts";
import { measureMembers, withMembers } from "./member-process.ts";
import type { MemberProcess, Program } from "./member-process.ts";
import type { Peer, PeerWork } from "./peer.ts";
import { findRaPlugins, newestServer } from "./ra-plugins.ts";

const serversDir = "/usr/lib/rabbitmq/lib";
const sources = ["flotilla_ra", "flotilla_ra_load", "flotilla_ra_ports"].map((name) =>
  join(sourceDir, "ra", `${name}.erl`),
);

/** Schedulers that spin for work would take the cores from the other nodes. */
const nodeFlags = [
  "-noshell +sbwt none +sbwtdcpu none +sbwtdio none",
  "-start_epmd false -epmd_module flotilla_ra_ports",
  "-kernel inet_dist_use_interface {127,0,0,1}",
].flatMap((flags) => flags.split(" "));

interface InstalledRa {
  readonly version: string;
  readonly codePaths: readonly string[];
}

export const ra: Peer = {
  name: "ra",
  packages: ["rabbitmq-server"],
  remark:
    "fdatasync of the write-ahead log, one for all groups of a node, before an acknowledgement; " +
    "pipelined commands from processes beside the leaders, which are spread over the nodes",

  async prepare() {
    const installed = await findInstalled();
    if (installed !== undefined) await build(installed);
    return installed?.version;
  },

  async run(work: PeerWork) {
    const installed = await findInstalled();
    if (installed === undefined) throw new Error("ra is not installed");
    const codePaths = [...installed.codePaths, await build(installed)];
    const cookie = randomBytes(16).toString("hex");
    const programs = [1, 2, 3].map((number) => nodeProgram(work, { number, codePaths, cookie }));
    return await withMembers(programs, async (members) => {
      const ports = await Promise.all(members.map((member) => member.number("port")));
      await tellAll(members, `ports ${ports.join(" ")}`, "started");
      for (const member of members) member.send("elect");
      return await measureMembers(members, work);
    });
  },
};

async function tellAll(
  members: readonly MemberProcess[],
  line: string,
  answer: string,
): Promise<void> {
  for (const member of members) member.send(line);
  await Promise.all(members.map((member) => member.number(answer)));
}

function nodeProgram(
  work: PeerWork,
  node: { number: number; codePaths: readonly string[]; cookie: string },
): Program {
  return {
    command: "erl",
    arguments: [
      ...nodeFlags,
      "-setcookie",
      node.cookie,
      "-pa",
      ...node.codePaths,
      "-s",
      "flotilla_ra",
      "-extra",
      `${node.number}`,
      join(work.dir, `ra-${node.number}`),
      `${work.groups}`,
      `${work.valueBytes}`,
    ],
    signal: work.signal,
  };
}

async function findInstalled(): Promise<InstalledRa | undefined> {
  if (!arePrograms("erl", "erlc", "setpriv")) return undefined;
  const server = newestServer(await namesIn(serversDir));
  if (server === undefined) return undefined;
  const pluginsDir = join(serversDir, server, "plugins");
  const plugins = findRaPlugins(await namesIn(pluginsDir));
  if (plugins === undefined) return undefined;
  const codePaths = plugins.codePaths.map((path) => join(pluginsDir, path));
  return { version: plugins.version, codePaths };
}

async function build({ version }: InstalledRa): Promise<string> {
  const release = await outputOf(
    "erl",
    "-noshell",
    "-eval",
    "io:put_chars(erlang:system_info(otp_release)), halt().",
  );
  return await cachedBuild("ra", `${version} ${release}`, sources, async (into) => {
    await outputOf("erlc", "-o", into, ...sources);
  });
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch {
    return [];
  }
}
