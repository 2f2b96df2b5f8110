/**
 * A node's data directory:
 *
 *     node.json     who the directory belongs to; written once
 *     lock          process that has it open
 *     shard-0 …     the store of each shard
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { RaftError, diskFailure, optionError } from "../base/index.ts";
import type { Incarnation, NodeId } from "../base/index.ts";

/** Version of the directory's layout. */
const directoryFormat = 1;

interface NodeFile {
  readonly format: number;
  readonly cluster: string;
  readonly node: NodeId;
  readonly incarnation: Incarnation;
  readonly shards: number;
}

/** Directories open in this process: its own id in a lock file does not tell two engines apart. */
const openHere = new Set<string>();

export class DataDirectory {
  readonly path: string;
  readonly incarnation: Incarnation;

  private constructor(path: string, incarnation: Incarnation) {
    this.path = path;
    this.incarnation = incarnation;
  }

  /**
   * Takes possession of a directory, creating it where it is missing.
   * @throws ERR_DATA_DIR_LOCKED, ERR_DATA_DIR_FOREIGN, ERR_DATA_DIR_VERSION, ERR_STORE_CORRUPT,
   * ERR_STORE_FAILED, ERR_OPTION_INVALID (shards)
   */
  static open(
    dir: string,
    owner: Omit<NodeFile, "format" | "incarnation">,
    drawIncarnation: () => Incarnation,
  ): DataDirectory {
    const path = resolve(dir);
    attempt(`create the data directory ${path}`, () => mkdirSync(path, { recursive: true }));
    lock(path);
    try {
      const found = readNodeFile(path);
      if (found !== undefined) checkOwner(path, found, owner);
      const incarnation = found?.incarnation ?? drawIncarnation();
      if (found === undefined) {
        const content = { format: directoryFormat, ...owner, incarnation };
        attempt(`write ${path}/node.json`, () => writeNodeFile(path, content));
      }
      return new DataDirectory(path, incarnation);
    } catch (error) {
      unlockQuietly(path);
      throw error;
    }
  }

  shardPath(shard: number): string {
    return join(this.path, `shard-${shard}`);
  }

  close(): void {
    attempt(`remove the lock of ${this.path}`, () => unlock(this.path));
  }
}

/**
 * Does what needs the disk.
 * @throws ERR_STORE_FAILED where the disk refuses
 */
function attempt(action: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw diskFailure(action, cause, "none");
  }
}

function checkOwner(
  path: string,
  found: NodeFile,
  owner: Omit<NodeFile, "format" | "incarnation">,
): void {
  if (found.format > directoryFormat) {
    throw new RaftError(
      "ERR_DATA_DIR_VERSION",
      `${path} has format ${found.format}; this version knows up to ${directoryFormat}`,
    );
  }
  if (found.cluster !== owner.cluster || found.node !== owner.node) {
    throw new RaftError(
      "ERR_DATA_DIR_FOREIGN",
      `${path} belongs to node ${found.node} of cluster ${found.cluster}, not to ${owner.node} of ${owner.cluster}`,
    );
  }
  if (found.shards !== owner.shards) {
    throw optionError([
      `shards must be ${found.shards}, with which ${path} was created, got ${owner.shards}`,
    ]);
  }
}

function readNodeFile(path: string): NodeFile | undefined {
  let text: string;
  try {
    text = readFileSync(join(path, "node.json"), "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw diskFailure(`read ${path}/node.json`, error, "none");
  }
  const found = parseNodeFile(text);
  if (found !== undefined) return found;
  // Never taken for a new directory: a node that forgot who it was could vote a second time.
  throw new RaftError("ERR_STORE_CORRUPT", `${path}/node.json is damaged: ${text.slice(0, 80)}`);
}

function parseNodeFile(text: string): NodeFile | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields: Partial<Record<keyof NodeFile, unknown>> = value;
  const { format, cluster, node, incarnation, shards } = fields;
  if (
    typeof format !== "number" ||
    typeof cluster !== "string" ||
    typeof node !== "string" ||
    typeof incarnation !== "number" ||
    typeof shards !== "number"
  ) {
    return undefined;
  }
  return { format, cluster, node, incarnation, shards };
}

/** Whole or not at all: written beside, flushed, then renamed, and the rename flushed too. */
function writeNodeFile(path: string, content: NodeFile): void {
  const target = join(path, "node.json");
  const file = openSync(`${target}.new`, "w");
  try {
    writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${target}.new`, target);
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/**
 * The lock names a process and when it started, so that a number used again is not mistaken for the
 * owner.
 */
function lock(path: string): void {
  const file = join(path, "lock");
  const owner = `${process.pid} ${startOf(process.pid) ?? "-"}\n`;
  for (let tries = 0; tries < 3; tries += 1) {
    if (takeLock(path, file, owner)) return;
    const holder = readHolder(file);
    if (openHere.has(path) || (holder !== undefined && isAlive(holder))) {
      throw new RaftError(
        "ERR_DATA_DIR_LOCKED",
        `${path} is open in process ${holder?.pid ?? process.pid}`,
      );
    }
    attempt(`remove the lock of a process that is gone, ${file}`, () => unlinkIfThere(file));
  }
  throw new RaftError("ERR_DATA_DIR_LOCKED", `${path} is being opened by another process`);
}

/** Makes the lock file, with its content or not at all; false where there is one. */
function takeLock(path: string, file: string, owner: string): boolean {
  let handle: number;
  try {
    handle = openSync(file, "wx");
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw diskFailure(`lock ${path}`, error, "none");
  }
  openHere.add(path);
  try {
    writeFileSync(handle, owner);
  } catch (error) {
    unlockQuietly(path);
    throw diskFailure(`lock ${path}`, error, "none");
  } finally {
    closeSync(handle);
  }
  return true;
}

interface Holder {
  readonly pid: number;
  readonly start: string;
}

function readHolder(file: string): Holder | undefined {
  try {
    const [pid, start] = readFileSync(file, "utf8").trim().split(" ");
    return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start };
  } catch {
    return undefined;
  }
}

function isAlive({ pid, start }: Holder): boolean {
  // Our own number with the lock not in `openHere` is that of an earlier process, before a restart
  // of the machine or container.
  if (!Number.isInteger(pid) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!hasCode(error, "EPERM")) return false;
  }
  return start === "-" || startOf(pid) === undefined || startOf(pid) === start;
}

/** When a process started, in the kernel's own units; undefined where /proc does not tell. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold blanks; the start time is the 20th field after it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function unlock(path: string): void {
  openHere.delete(path);
  unlinkIfThere(join(path, "lock"));
}

/** A lock that stays because the disk refuses is that of a process that is gone, later. */
function unlockQuietly(path: string): void {
  try {
    unlock(path);
  } catch {
    // The caller has a better error to tell.
  }
}

function unlinkIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
