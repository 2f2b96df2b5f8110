/**
 * What must hold of LMDB's files before LMDB may see them. Its binding frees memory twice when an
 * environment does not open, which ends the whole process with a segmentation fault, and reading a
 * page behind the end of the file ends it with a bus error. A damaged file shall be a typed error
 * of one shard instead.
 *
 * LMDB's file begins with two meta pages, written in turn; in the byte order of the machine:
 *
 *      18 u16 flags (8: meta page)    24 u32 magic        28 u32 version
 *      48 u32 page size               144 u64 last page   152 u64 transaction
 */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
} from "node:fs";
import { endianness } from "node:os";
import { corruptMeta } from "./meta-entry.ts";

const magic = 0xbeef_c0de;
const dataVersion = 2;
const metaFlag = 8;
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
 * @throws ERR_STORE_CORRUPT where the file is not LMDB's; what the system throws where it may not
 * be written
 */
export function checkLmdbFile(path: string, mapBytes: number): void {
  accessSync(path, constants.R_OK | constants.W_OK);
  const fd = openSync(path, "r+");
  try {
    const first = readMeta(fd, path, 0);
    const second = readMeta(fd, path, first.pageBytes);
    const { lastPage, pageBytes } = second.transaction > first.transaction ? second : first;
    const end = (lastPage + 1) * pageBytes;
    if (end > mapBytes) throw corruptMeta(`${path} says it has ${end} bytes, beyond ${mapBytes}`);
    // A commit may count pages at the end that it never had to write, so a shorter file can be
    // sound: what is missing must only be there as zeros. If it is not sound, LMDB finds a page of
    // zeros and says so.
    if (fstatSync(fd).size < end) ftruncateSync(fd, end);
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
