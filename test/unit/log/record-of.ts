import type { GroupChange } from "../../../src/log/index.ts";
import { encodeRecord, planRecord } from "../../../src/log/record.ts";

/** A record of memory of its own. */
export function recordOf(sequence: number, changes: readonly GroupChange[]): Uint8Array {
  const plan = planRecord(changes);
  const record = new Uint8Array(plan.bytes);
  encodeRecord(record, sequence, plan, changes);
  return record;
}
