/** The C raft library, by the program in `libraft/`: three processes, one group. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { arePrograms, cachedBuild, outputOf, sourceDir } from "./installed.ts";
import { measureMembers, withMembers } from "./member-process.ts";
import type { Peer, PeerWork } from "./peer.ts";

const libraries = ["raft", "libuv"];
const source = join(sourceDir, "libraft/member.c");

export const libraft: Peer = {
  name: "libraft",
  packages: ["libraft-dev", "libuv1-dev", "gcc", "pkg-config"],
  remark:
    "one group whatever is asked for, since a process of it has one log; direct I/O with O_DSYNC into " +
    "preallocated segments before an acknowledgement; the load is in the leader's process and hands in " +
    "up to 1,024 commands a call",

  async prepare() {
    const version = await installedVersion();
    if (version !== undefined) await build(version);
    return version;
  },

  async run(work: PeerWork) {
    const version = await installedVersion();
    if (version === undefined) throw new Error("libraft is not installed");
    const command = join(await build(version), "member");
    const ports = await freePorts(3);
    const addresses = ports.map((port) => `127.0.0.1:${port}`);
    const dirs = ports.map((_, at) => join(work.dir, `libraft-${at + 1}`));
    await Promise.all(dirs.map((dir) => mkdir(dir)));
    const programs = dirs.map((dir, at) => ({
      command,
      arguments: [`${at + 1}`, dir, `${work.valueBytes}`, ...addresses],
      signal: work.signal,
    }));
    return await withMembers(programs, (members) => measureMembers(members, work));
  },
};

async function installedVersion(): Promise<string | undefined> {
  if (!arePrograms("cc", "pkg-config", "setpriv")) return undefined;
  try {
    await outputOf("pkg-config", "--exists", ...libraries);
  } catch {
    return undefined;
  }
  return await outputOf("pkg-config", "--modversion", "raft");
}

async function build(version: string): Promise<string> {
  const flags = await outputOf("pkg-config", "--cflags", "--libs", ...libraries);
  return await cachedBuild("libraft", version, [source], async (into) => {
    const options = ["-O2", "-o", join(into, "member"), source, ...flags.split(/\s+/)];
    await outputOf("cc", ...options);
  });
}
