/**
 * What must hold of LMDB's file before LMDB may see it. LMDB believes its pages, which carry no
 * checksum: one flipped bit makes it forget the last commit, fill the disk with zeros, or end the
 * whole process. A damaged file shall be a typed error of one shard instead.
 *
 * Everything that can be reached from the newer meta page is looked at, but for the contents of
 * records and entries, which have checksums of their own:
 *
 *      meta pages   written in turn, so that their transactions follow each other
 *      trees        each page in the file, of its number and kind, not younger than its state; keys
 *                   in order; as many pages and entries as the tree's head says
 *      pages        each has one use: in a tree, in a large value, or free
 *
 * Which meta page is the newer one is a single number, and the most valuable bit of the file. It is
 * written again elsewhere: each transaction of ours writes the roots of the main tree and of the
 * tree of free pages anew, with its number in their headers.
 */
import { accessSync, closeSync, constants, fdatasyncSync, fstatSync, openSync } from "node:fs";
import { readSync, writeSync } from "node:fs";
import { freeListForm } from "./lmdb-free-list.ts";
import { noPage, pageHeaderBytes, readMetas, readTreeHead, readU64 } from "./lmdb-meta.ts";
import { transactionField } from "./lmdb-meta.ts";
import type { MetaPage, ReadFile, TreeHead } from "./lmdb-meta.ts";
import { LmdbPages, PageClaims } from "./lmdb-pages.ts";
import { TreeWalk } from "./lmdb-tree.ts";
import type { LmdbState, TreeForm } from "./lmdb-tree.ts";
import { corruptMeta } from "./meta-entry.ts";

/**
 * A commit may count pages at the end that it never had to write, so a shorter file can be sound.
 * One that lacks more was cut, and shall not first be filled up with zeros.
 */
const missingBytesMax = 1_048_576;
/** Read between two turns of the event loop. */
const turnBytesMax = 4_194_304;
const fileBytesMax = 2 ** 52;
const treeHeadBytes = 48;
const subtreeFlag = 2;

export interface LmdbCheckOptions {
  readonly path: string;
  readonly nextTurn: () => Promise<void>;
}

/**
 * Returns how many bytes LMDB's pages take. The file may be a little shorter: what is missing must
 * be there as zeros.
 * @throws ERR_STORE_CORRUPT where the file is not sound, and nothing was written; what the system
 * throws where it may not be written
 */
export async function checkLmdbFile(options: LmdbCheckOptions): Promise<number> {
  const { path } = options;
  accessSync(path, constants.R_OK | constants.W_OK);
  const fd = openSync(path, "r+");
  try {
    return await new FileCheck(fd, options).run();
  } finally {
    closeSync(fd);
  }
}

class FileCheck {
  readonly #fd: number;
  readonly #options: LmdbCheckOptions;
  readonly #read: ReadFile;

  constructor(fd: number, options: LmdbCheckOptions) {
    this.#fd = fd;
    this.#options = options;
    this.#read = (target, at) => readFully(fd, target, at);
  }

  async run(): Promise<number> {
    const metas = readMetas(this.#read);
    if (metas === undefined) throw this.#fault("does not begin with two meta pages of LMDB");
    if (metas.every(isNew)) return this.#end(metas[0]);
    const [older, newer] = metas[0].transaction < metas[1].transaction ? metas : swap(metas);
    const { transaction } = newer;
    const inTurn = [older, newer].every((meta) => meta.transaction % 2 === meta.number);
    if (!inTurn || transaction !== older.transaction + 1) {
      throw this.#fault(`has transactions ${metas[0].transaction} and ${metas[1].transaction}`);
    }
    if (this.#isAhead(older, transaction + 1)) {
      const end = await this.#endAhead(older, transaction + 1);
      if (end !== undefined) return end;
    }
    return this.#checkState(newer, transaction);
  }

  /**
   * Whether the older meta page leads to what a transaction has written that is newer than both.
   * Either its number was damaged, or LMDB could not write the page and put the old number back.
   */
  #isAhead({ main, free, pageBytes }: MetaPage, transaction: number): boolean {
    return [main, free].every(({ root }) => {
      const header = new Uint8Array(pageHeaderBytes);
      if (root === noPage || this.#read(header, root * pageBytes) !== header.length) return false;
      const view = new DataView(header.buffer);
      return readU64(view, 0) === root && readU64(view, 8) === transaction;
    });
  }

  /**
   * Whether the transaction was acknowledged cannot be told, so it counts: whole as it is, it
   * gets its number back. Undefined where it is not whole, as it is where LMDB put the old end of
   * the pages back, too: then nobody was told of it.
   */
  async #endAhead(meta: MetaPage, transaction: number): Promise<number | undefined> {
    let end: number;
    try {
      end = await this.#checkState(meta, transaction);
    } catch {
      return undefined;
    }
    const [at, bytes] = transactionField(meta, transaction);
    writeSync(this.#fd, bytes, 0, bytes.length, at);
    fdatasyncSync(this.#fd);
    return end;
  }

  /** Returns where its pages end. */
  async #checkState(meta: MetaPage, transaction: number): Promise<number> {
    const end = this.#end(meta);
    const pages = new LmdbPages(this.#read, meta.pageBytes);
    const state = { pages, claims: new PageClaims(meta.lastPage), transaction };
    const { main, free } = meta;
    const subtrees = new Map<string, TreeHead>();
    await this.#walk(state, main, mainForm(state, subtrees));
    for (const [name, form] of [
      ["log", logForm],
      ["meta", metaForm],
    ] as const) {
      const head = subtrees.get(name);
      if (head === undefined) throw this.#fault(`has no tree "${name}"`);
      await this.#walk<number | string>(state, head, form);
    }
    await this.#walk(state, free, freeListForm(state));
    for (const { root } of [main, free]) {
      const header = root === noPage ? undefined : pages.header(root);
      if (header === undefined || readU64(header, 8) === transaction) continue;
      throw this.#fault(`says it is of transaction ${transaction}, its pages are of another`);
    }
    return end;
  }

  async #walk<K extends number | string>(
    state: LmdbState,
    head: TreeHead,
    form: TreeForm<K>,
  ): Promise<void> {
    let read = state.pages.bytesRead;
    for (const _ of new TreeWalk(state, head, form).walk()) {
      if (state.pages.bytesRead - read < turnBytesMax) continue;
      read = state.pages.bytesRead;
      await this.#options.nextTurn();
    }
  }

  #end({ lastPage, pageBytes }: MetaPage): number {
    const end = (lastPage + 1) * pageBytes;
    const { size } = fstatSync(this.#fd);
    if (end - size > missingBytesMax) throw this.#fault(`has ${size} bytes of ${end}`);
    return end;
  }

  #fault(reason: string): Error {
    return corruptMeta(`${this.#options.path} ${reason}`);
  }
}

/** The main tree holds the heads of the others, under their names. */
function mainForm(state: LmdbState, subtrees: Map<string, TreeHead>): TreeForm<string> {
  return {
    name: "of trees",
    flags: 0,
    nodeFlags: subtreeFlag,
    keyOf: textOf,
    valueFault: (key, { at, page, bytes }) => {
      if (page !== noPage || bytes !== treeHeadBytes) return "holds something that is no tree";
      const head = readTreeHead(state.pages.view, at);
      if (head.pad !== 0) return "holds a tree of another form";
      subtrees.set(key.replace(/\0$/, ""), head);
      return undefined;
    },
  };
}

const logForm: TreeForm<number | string> = {
  name: "log",
  flags: 0,
  nodeFlags: 0,
  keyOf: (view, at, bytes) =>
    bytes === 8 ? view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4) : undefined,
};

const metaForm: TreeForm<number | string> = {
  name: "meta",
  flags: 0,
  nodeFlags: 0,
  keyOf: textOf,
};

/** A byte a character: texts compare as the bytes do. */
function textOf(view: DataView, at: number, bytes: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at, bytes).toString("latin1");
}

/** As it was made, before LMDB has written anything. */
function isNew({ transaction, main, free, lastPage }: MetaPage): boolean {
  return transaction === 0 && main.root === noPage && free.root === noPage && lastPage === 1;
}

function swap([first, second]: [MetaPage, MetaPage]): [MetaPage, MetaPage] {
  return [second, first];
}

/** A read may give less than it was asked for; the next one says why. */
function readFully(fd: number, target: Uint8Array, from: number): number {
  // A damaged page number may lie beyond all files.
  if (from > fileBytesMax) return 0;
  let done = 0;
  while (done < target.length) {
    const count = readSync(fd, target, done, target.length - done, from + done);
    if (count === 0) return done;
    done += count;
  }
  return done;
}
