/**
 * The two meta pages with which LMDB's file begins, written in turn: transaction N writes page N
 * mod 2. All numbers of LMDB's own are in the byte order of the machine.
 *
 *      0 u64 page number              18 u16 flags (8: meta page)
 *      24 u32 magic                   28 u32 version           32 u64 address   40 u64 map size
 *      48 tree of free pages          96 main tree             (48 bytes each)
 *      144 u64 last page              152 u64 transaction
 *
 * A tree:
 *
 *      0 u32 page size, of the free pages' tree; else 0        4 u16 flags (8: keys are integers)
 *      6 u16 depth                    8, 16, 24 u64 branch, leaf and overflow pages
 *      32 u64 entries                 40 u64 root (all ones: none)
 */
import { endianness } from "node:os";

export const littleEndian: boolean = endianness() === "LE";
/** In the place of a tree's root: the tree is empty. */
export const noPage = -1;
/** The page number of neither meta page. */
export const firstPage = 2;
export const pageHeaderBytes = 24;

const magic = 0xbeef_c0de;
const dataVersion = 2;
const metaFlag = 8;
const integerKeyFlag = 8;
const metaBytes = 160;
const transactionAt = 152;
const pageBytesMin = 512;
const pageBytesMax = 65_536;
const newPageBytes = 4_096;

export interface TreeHead {
  readonly pad: number;
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** `noPage` where the tree is empty. */
  readonly root: number;
}

export interface MetaPage {
  readonly number: 0 | 1;
  readonly pageBytes: number;
  readonly free: TreeHead;
  readonly main: TreeHead;
  readonly lastPage: number;
  /** Number of the transaction that wrote it: the higher one counts. */
  readonly transaction: number;
}

/**
 * The file of an environment that holds nothing, as LMDB makes it. LMDB would write it into a file
 * that is new to the file system, and where that is full its error ends the process: so the file is
 * ours, and has its blocks, before LMDB opens it.
 */
export function emptyLmdbFile(mapBytes: number): Uint8Array {
  const bytes = new Uint8Array(2 * newPageBytes);
  for (const page of [0, 1]) {
    const view = new DataView(bytes.buffer, page * newPageBytes, newPageBytes);
    view.setBigUint64(0, BigInt(page), littleEndian);
    view.setUint16(18, metaFlag, littleEndian);
    view.setUint32(24, magic, littleEndian);
    view.setUint32(28, dataVersion, littleEndian);
    view.setBigUint64(40, BigInt(mapBytes), littleEndian);
    view.setUint32(48, newPageBytes, littleEndian);
    view.setUint16(52, integerKeyFlag, littleEndian);
    view.setBigUint64(88, 2n ** 64n - 1n, littleEndian);
    view.setBigUint64(136, 2n ** 64n - 1n, littleEndian);
    view.setBigUint64(144, 1n, littleEndian);
  }
  return bytes;
}

/** Fills `target` from a place in the file; returns how many bytes were there. */
export type ReadFile = (target: Uint8Array, at: number) => number;

/** Both meta pages, or undefined where the file does not begin with two sound ones. */
export function readMetas(read: ReadFile): [MetaPage, MetaPage] | undefined {
  const first = readMeta(read, 0, 0);
  if (first === undefined) return undefined;
  const second = readMeta(read, 1, first.pageBytes);
  return second?.pageBytes === first.pageBytes ? [first, second] : undefined;
}

/** Where a meta page holds its transaction, and the bytes that it should have there. */
export function transactionField(meta: MetaPage, transaction: number): [number, Uint8Array] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(transaction), littleEndian);
  return [meta.number * meta.pageBytes + transactionAt, bytes];
}

export function readTreeHead(view: DataView, at: number): TreeHead {
  return {
    pad: view.getUint32(at, littleEndian),
    flags: view.getUint16(at + 4, littleEndian),
    depth: view.getUint16(at + 6, littleEndian),
    branchPages: readU64(view, at + 8),
    leafPages: readU64(view, at + 16),
    overflowPages: readU64(view, at + 24),
    entries: readU64(view, at + 32),
    root: view.getBigInt64(at + 40, littleEndian) === -1n ? noPage : readU64(view, at + 40),
  };
}

/** Exact below 2^53; above it, larger than whatever it is compared with. */
export function readU64(view: DataView, at: number): number {
  const low = view.getUint32(littleEndian ? at : at + 4, littleEndian);
  return view.getUint32(littleEndian ? at + 4 : at, littleEndian) * 0x1_0000_0000 + low;
}

function readMeta(read: ReadFile, number: 0 | 1, at: number): MetaPage | undefined {
  const bytes = new Uint8Array(metaBytes);
  if (read(bytes, at) !== metaBytes) return undefined;
  const view = new DataView(bytes.buffer);
  const free = readTreeHead(view, 48);
  const main = readTreeHead(view, 96);
  const pageBytes = free.pad;
  const isMeta =
    readU64(view, 0) === number &&
    view.getUint16(18, littleEndian) === metaFlag &&
    view.getUint32(24, littleEndian) === magic &&
    view.getUint32(28, littleEndian) === dataVersion &&
    readU64(view, 32) === 0 &&
    pageBytes >= pageBytesMin &&
    pageBytes <= pageBytesMax &&
    (pageBytes & (pageBytes - 1)) === 0 &&
    free.flags === integerKeyFlag;
  if (!isMeta) return undefined;
  const lastPage = readU64(view, 144);
  return { number, pageBytes, free, main, lastPage, transaction: readU64(view, transactionAt) };
}
