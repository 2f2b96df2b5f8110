/** Opening a log in segments: making it where there is none, and settling where it ends. */
import { RaftError } from "../base/index.ts";
import type { MetaEntry } from "./log-env.ts";
import { SegmentEnv } from "./segment-env.ts";
import type { SegmentEnvOptions } from "./segment-env.ts";
import type { SegmentFiles } from "./segment-files.ts";
import {
  decodeSegmentHeader,
  emptyContent,
  encodeFrameHead,
  encodeMetas,
  encodeSegmentHeader,
  frameBytes,
  layFrame,
  segmentFormat,
} from "./segment-format.ts";
import type { SegmentNumber } from "./segment-format.ts";
import { recoverLog } from "./segment-recovery.ts";
import type { RecoveredLog } from "./segment-recovery.ts";
import { crc32c } from "../wire/index.ts";

const { blockBytes } = segmentFormat;

/**
 * Opens the log in these files; a new one holds the identity alone.
 * @throws ERR_STORE_CORRUPT, ERR_DATA_DIR_VERSION, and what the files throw
 */
export async function openSegmentEnv(
  options: SegmentEnvOptions,
  identity: MetaEntry,
  nextTurn: () => Promise<void>,
): Promise<SegmentEnv> {
  const { files, segmentBytes } = options;
  try {
    let found = files.list();
    if (found.length > 0 && !isStoreOf(files, found, identity)) {
      // Of another store nothing is changed; who reads the identity in it says so.
      return new SegmentEnv(options, await recoverLog(files, found, nextTurn));
    }
    const isReleased = files.claim();
    // What the opener before wrote until it lost the files is found.
    if (!isReleased) found = files.list();
    if (found.length === 0) await makeFirst(files, segmentBytes, identity);
    const log = await recoverLog(files, found.length === 0 ? [1] : found, nextTurn);
    await settle(files, log);
    return new SegmentEnv(options, isReleased ? log : await renew(files, log));
  } catch (error) {
    files.close();
    throw error;
  }
}

function isStoreOf(
  files: SegmentFiles,
  found: readonly SegmentNumber[],
  { value }: MetaEntry,
): boolean {
  if (!found.includes(1)) return false;
  const reader = files.openReader(1);
  try {
    const header = new Uint8Array(segmentFormat.headerBytes);
    reader.read(header, 0);
    return decodeSegmentHeader(header, 1).store === crc32c(value);
  } catch (error) {
    // The recovery says what is wrong with it.
    if (error instanceof RaftError) return false;
    throw error;
  } finally {
    reader.close();
  }
}

/**
 * The opener before did not release the files. Perhaps it still lives, with a write in flight that
 * it began while they were its own, and which would land on what is written next. So the log goes
 * on in a copy, with zeros behind its end, and not in segments that were made in advance. Without
 * space for a copy it goes on where it is: then the earlier opener is stopped by its next look at
 * the claim alone.
 */
async function renew(files: SegmentFiles, log: RecoveredLog): Promise<RecoveredLog> {
  const { segment, at } = log.end;
  try {
    await files.renew(segment, at);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
    return log;
  }
  return { ...log, isLittered: false, ahead: [] };
}

/** The first segment has the first frame in it from the beginning: there is no log without. */
async function makeFirst(
  files: SegmentFiles,
  segmentBytes: number,
  identity: MetaEntry,
): Promise<void> {
  const metas = encodeMetas([identity]);
  const sizes = { metaBytes: metas.length, recordBytes: 0 };
  const store = crc32c(identity.value);
  const frame = new Uint8Array(frameBytes(sizes));
  const content = { ...emptyContent, ...sizes, ...layFrame(frame, metas, new Uint8Array(0)) };
  const place = { store, epoch: 1, segment: 1, number: 1, durableThrough: 0 };
  encodeFrameHead(frame, { ...content, ...place });
  const bytes = Math.max(segmentBytes, frame.length + 2 * blockBytes);
  const header = encodeSegmentHeader({ store, segment: 1, bytes });
  const file = await files.make(1, bytes, Buffer.concat([header, frame]));
  file.close();
}

/**
 * Writes again what is there though nobody vouched for it.
 *
 * A process wrote frame N, its flush failed, and it ended without acknowledging N. The system has
 * told of the failure once and holds the pages for written: N can be read from memory, and no flush
 * would write it. The replica tells its leader of N, power fails, and N is gone although a majority
 * was counted with it. Written again, its pages are dirty again.
 *
 * What lies behind the end stays as it is: zeros over it could be lost in the same way, and frames
 * to come be followed by what was there. Its segment is left instead.
 */
async function settle(files: SegmentFiles, { unsure }: RecoveredLog): Promise<void> {
  for (const { segment, at, bytes } of unsure) {
    const file = files.open(segment);
    try {
      await file.write(bytes, at, 0);
    } finally {
      file.close();
    }
  }
}
