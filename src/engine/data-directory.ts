/**
 * A node's data directory, which only its user may enter:
 *
 *     node.json     who the directory belongs to; written once
 *     lock          locked by the process that has it open
 *     shard-0 …     the store of each shard
 *     shard-0.made  the store of shard 0 has been made
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { RaftError, diskFailure, optionError } from "../base/index.ts";
import type { Incarnation, NodeId } from "../base/index.ts";
import { flushPath, makeDurableDir } from "../log/index.ts";
import { DirectoryLock } from "./directory-lock.ts";

/** Version of the directory's layout. */
const directoryFormat = 1;
const shardName = /^shard-\d+(\.made)?$/;

interface NodeFile {
  readonly format: number;
  readonly cluster: string;
  readonly node: NodeId;
  readonly incarnation: Incarnation;
  readonly shards: number;
}

/** Whom a directory must belong to. */
export interface DirectoryOwner {
  readonly cluster: string;
  readonly node: NodeId;
  /** 0: as many as the directory has, or else one for each core but one. */
  readonly shards: number;
}

export class DataDirectory {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly shards: number;
  readonly #lock: DirectoryLock;

  private constructor(path: string, { incarnation, shards }: NodeFile, lock: DirectoryLock) {
    this.path = path;
    this.incarnation = incarnation;
    this.shards = shards;
    this.#lock = lock;
  }

  /**
   * Takes possession of a directory, creating it if it is missing.
   * @throws ERR_DATA_DIR_LOCKED, ERR_DATA_DIR_FOREIGN, ERR_DATA_DIR_VERSION, ERR_STORE_CORRUPT,
   * ERR_STORE_FAILED, ERR_OPTION_INVALID (shards)
   */
  static async open(
    dir: string,
    owner: DirectoryOwner,
    drawIncarnation: () => Incarnation,
  ): Promise<DataDirectory> {
    const path = resolve(dir);
    attempt(`create the data directory ${path}`, () => makeDurableDir(path));
    const lock = await DirectoryLock.take(path);
    try {
      const found = readNodeFile(path);
      if (found !== undefined) {
        checkOwner(path, found, owner);
        return new DataDirectory(path, found, lock);
      }
      refuseStores(path);
      const { cluster, node } = owner;
      const shards = owner.shards === 0 ? Math.max(1, availableParallelism() - 1) : owner.shards;
      const incarnation = drawIncarnation();
      const content = { format: directoryFormat, cluster, node, shards, incarnation };
      attempt(`write ${path}/node.json`, () => writeNodeFile(path, content));
      return new DataDirectory(path, content, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  shardPath(shard: number): string {
    return join(this.path, `shard-${shard}`);
  }

  /** Outside the store's directory, which may be a volume of its own that is not mounted. */
  markPath(shard: number): string {
    return `${this.shardPath(shard)}.made`;
  }

  close(): void {
    this.#lock.release();
  }
}

/**
 * Does what needs the disk.
 * @throws ERR_STORE_FAILED if the disk refuses
 */
function attempt(action: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw diskFailure(action, cause, "none");
  }
}

function checkOwner(path: string, found: NodeFile, owner: DirectoryOwner): void {
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
  if (owner.shards !== 0 && found.shards !== owner.shards) {
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

/**
 * node.json is durable before the first store is made. Stores without it have lost it: a new
 * identity would be another node over the replicas of this one.
 */
function refuseStores(path: string): void {
  let names: string[] = [];
  attempt(`read ${path}`, () => {
    names = readdirSync(path);
  });
  const store = names.find((name) => shardName.test(name));
  if (store === undefined) return;
  throw new RaftError("ERR_STORE_CORRUPT", `${path}/node.json is missing beside ${store}`);
}

/** Whole or not at all: written beside, flushed, then renamed, and the rename flushed too. */
function writeNodeFile(path: string, content: NodeFile): void {
  const target = join(path, "node.json");
  const file = openSync(`${target}.new`, "w", 0o600);
  try {
    writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${target}.new`, target);
  flushPath(path);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
