/**
 * What the peers written in Go have in common: a program of ours in `go`, built with the libraries
 * that Debian packages as sources.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { installedPackages } from "./debian-packages.ts";
import { cachedBuild, sourceDir } from "./installed.ts";
import { measureMembers, withMembers } from "./member-process.ts";
import type { MemberProcess, Program } from "./member-process.ts";
import type { Peer, PeerFigures, PeerWork } from "./peer.ts";

const execute = promisify(execFile);

/** Where Debian puts the sources of libraries. */
const debianGoPath = "/usr/share/gocode";
const goDir = join(sourceDir, "go");

export interface GoPeer extends Pick<Peer, "name" | "packages" | "remark"> {
  /** Its folder below `go`. */
  readonly program: string;
  readonly run: (program: string, work: PeerWork) => Promise<PeerFigures>;
}

/** The first of `packages` is the one whose version counts as the peer's. */
export function goPeer({ program, run, ...description }: GoPeer): Peer {
  let built: string | undefined;
  return {
    ...description,
    async prepare() {
      const versions = await installedPackages(description.packages);
      if (versions === undefined) return undefined;
      built = await build(program, versions.join(" "));
      return versions[0];
    },
    async run(work) {
      if (built === undefined) throw new Error(`${description.name} is not prepared`);
      return await run(built, work);
    },
  };
}

/** Three members, each a process of the program, that hold the load as well. */
export async function runMembers(
  command: string,
  options: readonly string[],
  work: PeerWork,
): Promise<PeerFigures> {
  const programs = await Promise.all(
    [1, 2, 3].map(async (number): Promise<Program> => {
      const dir = join(work.dir, `member-${number}`);
      await mkdir(dir);
      const own = [`--member=${number}`, `--dir=${dir}`, `--value-bytes=${work.valueBytes}`];
      return { command, arguments: [...own, ...options], signal: work.signal };
    }),
  );
  return await withMembers(programs, async (members) => {
    const ports = await Promise.all(members.map((member) => member.number("port")));
    for (const member of members) member.send(`ports ${ports.join(" ")}`);
    return await measureMembers(members, work);
  });
}

export interface ServersAndLoad {
  /** Someone else's servers, that speak no lines of ours. */
  readonly servers: readonly Program[];
  /** The program that loads them. It is told the servers' processes, to count their CPU time. */
  readonly load: Program;
}

export async function runServers(
  { servers, load }: ServersAndLoad,
  work: PeerWork,
): Promise<PeerFigures> {
  return await withMembers(servers, async (started) => {
    const pids = started.map((server) => server.pid).join(",");
    const own = [`--pids=${pids}`, `--value-bytes=${work.valueBytes}`];
    const program = { ...load, arguments: [...own, ...load.arguments] };
    return await withMembers([program], (loading) =>
      Promise.race([measureMembers(loading, work), ...started.map(failureOf)]),
    );
  });
}

/** Rejects when the process ends; never resolves. */
async function failureOf(server: MemberProcess): Promise<never> {
  for (;;) await server.next();
}

async function build(name: string, versions: string): Promise<string> {
  const entries = await readdir(goDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sources = files.map((file) => join(file.parentPath, file.name)).sort();
  const dir = await cachedBuild(name, versions, sources, async (into) => {
    const goPath = await mkdtemp(join(into, "go-path-"));
    await mkdir(join(goPath, "src"));
    await symlink(goDir, join(goPath, "src/peers"));
    await execute("go", ["build", "-o", join(into, name), `peers/${name}`], {
      env: {
        ...process.env,
        GO111MODULE: "off",
        GOFLAGS: "",
        GOPATH: `${goPath}:${debianGoPath}`,
        CGO_ENABLED: "0",
      },
    });
    await rm(goPath, { recursive: true });
  });
  return join(dir, name);
}
