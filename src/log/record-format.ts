/** What a commit record's header is made of, and how an unsound record is told of. */
import { RaftError } from "../base/index.ts";

/** Stored on disk: a change of any of these numbers is a new format. */
export const recordFormat = {
  /** "FLR1" as a big-endian u32. */
  magic: 0x464c_5231,
  version: 2,
  headerBytes: 28,
  versionAt: 4,
  checksumAt: 8,
  /** The checksum covers every byte from here to the end of the directory. */
  sequenceAt: 12,
  directoryBytesAt: 20,
  recordBytesAt: 24,
  /** Flag of a group in the directory: term and vote follow. */
  flagBallot: 1,
} as const;

/** A record's number, counted from 1 without gaps. */
export type Sequence = number;

export function corruptRecord(sequence: Sequence, reason: string, cause?: unknown): RaftError {
  return new RaftError("ERR_STORE_CORRUPT", `Cannot trust the log: record ${sequence} ${reason}`, {
    cause,
  });
}
