/**
 * Proves from a trace that nothing was acknowledged before it was on disk. For an acknowledgement,
 * what must have happened:
 *
 *      record written ─► flushed ─► meta page written ─► meta page durable ─► acknowledgement
 *
 * "Durable" is, by itself, a write through an O_DSYNC descriptor that has returned; else one more
 * flush that has returned.
 */
import type { TracedCall, WriteCall } from "./syscall-trace.ts";

export interface Acknowledgement {
  readonly name: string;
  /** Stands in the record and nowhere before it. */
  readonly marker: string | Buffer;
  /** When it began to leave the process. */
  readonly startedAt: number;
}

/** LMDB's two meta pages lie at the beginning of its file. */
const metaEnd = 8_192;
/**
 * A meta page is written without its header; anything longer at the beginning of the file makes the
 * file.
 */
const metaBytesMax = 512;

/** What was acknowledged too early, as text. */
export function findEarlyAcknowledgements(
  calls: readonly TracedCall[],
  file: string,
  acknowledgements: readonly Acknowledgement[],
): string[] {
  const own = calls.filter((call) => call.file === file && call.ok);
  return acknowledgements.flatMap((ack) => {
    const fault = faultOf(own, ack);
    return fault === undefined ? [] : [`${ack.name} was said ${fault}`];
  });
}

function faultOf(calls: readonly TracedCall[], ack: Acknowledgement): string | undefined {
  const { marker } = ack;
  const record = calls.find((call) => call.kind === "write" && call.bytes.includes(marker));
  if (record === undefined || record.endedAt >= ack.startedAt)
    return "before its record was written";
  const flush = nextFlush(calls, record.endedAt);
  if (flush === undefined || flush.endedAt >= ack.startedAt) return "before its record was flushed";
  const meta = calls.find(
    (call): call is WriteCall =>
      call.kind === "write" && call.startedAt > flush.endedAt && isMetaWrite(call),
  );
  if (meta === undefined || meta.endedAt >= ack.startedAt)
    return "before its meta page was written";
  if (meta.synchronous) return undefined;
  const second = nextFlush(calls, meta.endedAt);
  if (second !== undefined && second.endedAt < ack.startedAt) return undefined;
  return "before its meta page was flushed";
}

/** Whether a write to LMDB's file is that of a meta page, which makes a transaction true. */
export function isMetaWrite(call: WriteCall): boolean {
  return call.offset < metaEnd && call.bytes.length < metaBytesMax;
}

function nextFlush(calls: readonly TracedCall[], after: number): TracedCall | undefined {
  return calls.find((call) => call.kind === "flush" && call.startedAt > after);
}

/** The writes of whole lines that a program made to its standard output, by line. */
export function saidLines(calls: readonly TracedCall[]): Map<string, number> {
  const lines = new Map<string, number>();
  for (const call of calls) {
    if (call.kind !== "write") continue;
    const text = call.bytes.length < 200 ? call.bytes.toString("latin1") : "";
    if (/^[a-z]+( [a-z0-9]+)?\n$/.test(text)) lines.set(text.trim(), call.startedAt);
  }
  return lines;
}
