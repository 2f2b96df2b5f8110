/** Opening a log in segments: making it where there is none, and settling where it ends. */
import type { MetaEntry } from "./log-env.ts";
import { SegmentEnv } from "./segment-env.ts";
import type { SegmentEnvOptions } from "./segment-env.ts";
import type { SegmentFiles } from "./segment-files.ts";
import {
  emptyContent,
  encodeFrameHead,
  encodeMetas,
  encodeSegmentHeader,
  frameBytes,
  layFrame,
  segmentFormat,
} from "./segment-format.ts";
import { recoverLog } from "./segment-recovery.ts";
import type { RecoveredLog, SegmentRange } from "./segment-recovery.ts";
import { crc32c } from "../wire/index.ts";

const { blockBytes } = segmentFormat;
const chunkBytes = 1_048_576;

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
  const found = files.list();
  if (found.length === 0) await makeFirst(files, segmentBytes, identity);
  const log = await recoverLog(files, found.length === 0 ? [1] : found, nextTurn);
  await settle(files, log);
  return new SegmentEnv(options, log);
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
 * Writes again what is there though nobody vouched for it, and zeros over what is left behind the
 * end.
 *
 * The frames first. A process wrote frame N, its flush failed, and it ended without acknowledging
 * N. The system has told of the failure once and holds the pages for written: N can be read from
 * memory, and no flush would write it. The replica tells its leader of N, power fails, and N is
 * gone although a majority was counted with it. Written again, its pages are dirty again.
 *
 * Then the zeros: frames to come rely on them to tell a torn frame from a damaged one. Should the
 * disk lose this, too, what was there has a lower epoch than what will be written.
 */
async function settle(files: SegmentFiles, log: RecoveredLog): Promise<void> {
  for (const range of log.unsure)
    await rewrite(files, range, (file, part, at) => file.read(part, at));
  for (const range of log.remains) await rewrite(files, range, (_, part) => part.fill(0));
}

type Fill = (file: ReturnType<SegmentFiles["open"]>, part: Uint8Array, at: number) => void;

async function rewrite(files: SegmentFiles, range: SegmentRange, fill: Fill): Promise<void> {
  const file = files.open(range.segment);
  try {
    const part = new Uint8Array(Math.min(range.bytes, chunkBytes));
    for (let done = 0; done < range.bytes; done += part.length) {
      const next = part.subarray(0, Math.min(part.length, range.bytes - done));
      fill(file, next, range.at + done);
      await file.write(next, range.at + done, 0);
    }
  } finally {
    file.close();
  }
}
