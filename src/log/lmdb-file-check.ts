/**
 * What must hold of LMDB's file before LMDB may see it. Its binding frees memory twice when an
 * environment does not open, which ends the whole process with a segmentation fault. A damaged file
 * shall be a typed error of one shard instead.
 *
 * LMDB's file begins with two meta pages, written in turn; in the byte order of the machine:
 *
 *      0 u64 page number              18 u16 flags (8: meta page)
 *      24 u32 magic                   28 u32 version           40 u64 size of the map
 *      48 u32 page size               52 u16 flags (8: of an environment without options)
 *      88, 136 u64 roots of the list of free pages and of the main tree (all ones: none)
 *      144 u64 last page              152 u64 transaction
 */
import { accessSync, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { corruptMeta } from "./meta-entry.ts";

const magic = 0xbeef_c0de;
const dataVersion = 2;
const metaFlag = 8;
const integerKeyFlag = 8;
const noPage = 2n ** 64n - 1n;
const newPageBytes = 4_096;
/**
 * A commit may count pages at the end that it never had to write, so a shorter file can be sound.
 * One that lacks more was cut, and shall not first be filled up with zeros.
 */
const missingBytesMax = 1_048_576;
const metaBytes = 160;
const pageBytesMin = 512;
const pageBytesMax = 65_536;
const littleEndian = endianness() === "LE";

interface MetaPage {
  readonly pageBytes: number;
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
    view.setBigUint64(88, noPage, littleEndian);
    view.setBigUint64(136, noPage, littleEndian);
    view.setBigUint64(144, 1n, littleEndian);
  }
  return bytes;
}

/**
 * Returns how many bytes LMDB's pages take. The file may be a little shorter: what is missing must
 * be there as zeros. If it is not sound, LMDB finds a page of zeros and says so.
 * @throws ERR_STORE_CORRUPT where the file is not LMDB's; what the system throws where it may not
 * be written
 */
export function checkLmdbFile(path: string, mapBytes: number): number {
  accessSync(path, constants.R_OK | constants.W_OK);
  const fd = openSync(path, "r+");
  try {
    const first = readMeta(fd, path, 0);
    const second = readMeta(fd, path, first.pageBytes);
    const { lastPage, pageBytes } = second.transaction > first.transaction ? second : first;
    const end = (lastPage + 1) * pageBytes;
    if (end > mapBytes) throw corruptMeta(`${path} says it has ${end} bytes, beyond ${mapBytes}`);
    const { size } = fstatSync(fd);
    if (end - size > missingBytesMax) throw corruptMeta(`${path} has ${size} bytes of ${end}`);
    return end;
  } finally {
    closeSync(fd);
  }
}

function readMeta(fd: number, path: string, at: number): MetaPage {
  const bytes = new Uint8Array(metaBytes);
  const count = readSync(fd, bytes, 0, metaBytes, at);
  const view = new DataView(bytes.buffer);
  const pageBytes = view.getUint32(48, littleEndian);
  const isMeta =
    count === metaBytes &&
    (view.getUint16(18, littleEndian) & metaFlag) !== 0 &&
    view.getUint32(24, littleEndian) === magic &&
    (view.getUint32(28, littleEndian) & 0xffff) === dataVersion &&
    pageBytes >= pageBytesMin &&
    pageBytes <= pageBytesMax;
  if (!isMeta) throw corruptMeta(`${path} has no LMDB meta page at byte ${at}`);
  return {
    pageBytes,
    lastPage: Number(view.getBigUint64(144, littleEndian)),
    transaction: Number(view.getBigUint64(152, littleEndian)),
  };
}
