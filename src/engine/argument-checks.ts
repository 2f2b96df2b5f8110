/** What is wrong with the arguments of a public call, found before anything has an effect. */
import { RaftError, describeNodeIdFault, isGroupId, limits, optionError } from "../base/index.ts";
import type { GroupId, NodeId } from "../base/index.ts";
import { engineOptionTable } from "./options.ts";

/**
 * The longest header that an entry has in its block: a million empty commands must not make a block
 * that no frame takes.
 */
const batchEntryBytes = 5;

/** A call of one command or query. */
export function callFault(
  group: GroupId,
  bytes: Uint8Array,
  commandBytesMax: number,
): RaftError | undefined {
  if (!isGroupId(group)) return groupIdInvalid(group);
  if (!(bytes instanceof Uint8Array)) {
    return new RaftError("ERR_OPTION_INVALID", "A command or query must be a Uint8Array");
  }
  if (bytes.length > commandBytesMax) return tooLarge("command", bytes.length, commandBytesMax);
  return undefined;
}

/** A call of several. */
export function batchFault(
  group: GroupId,
  batch: readonly Uint8Array[],
  commandBytesMax: number,
): RaftError | undefined {
  let bytes = -batchEntryBytes;
  for (const part of batch) {
    const fault = callFault(group, part, commandBytesMax);
    if (fault !== undefined) return fault;
    bytes += part.length + batchEntryBytes;
  }
  return bytes > commandBytesMax ? tooLarge("batch", bytes, commandBytesMax) : undefined;
}

export function groupIdInvalid(group: unknown): RaftError {
  const message = `Group id ${String(group)} is not an integer from 0 to 4294967295`;
  return new RaftError("ERR_GROUP_ID_INVALID", message);
}

function tooLarge(what: string, bytes: number, max: number): RaftError {
  const message = `A ${what} of ${bytes} bytes exceeds commandBytesMax (${max})`;
  return new RaftError("ERR_ENTRY_TOO_LARGE", message);
}

/** A deadline that no timer can keep would end the call at once, or never. */
export function timeoutFault(timeoutMs: number | undefined): RaftError | undefined {
  const { min, max, unit } = engineOptionTable.timeoutMs;
  if (timeoutMs === undefined) return undefined;
  if (Number.isInteger(timeoutMs) && timeoutMs >= min && timeoutMs <= max) return undefined;
  return optionError([
    `timeoutMs must be an integer from ${min} to ${max} ${unit}, got ${timeoutMs}`,
  ]);
}

export function throwFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw optionError(faults);
}

export function memberFaults(self: NodeId, members: readonly NodeId[]): string[] {
  if (!Array.isArray(members)) return ["members must be an array of node ids"];
  const faults: string[] = [];
  for (const member of members) {
    const fault = describeNodeIdFault(member);
    if (fault !== undefined) faults.push(`members: a node id ${fault}`);
  }
  if (new Set(members).size !== members.length) faults.push("members names a node twice");
  if (!members.includes(self)) faults.push(`members must include this node, ${self}`);
  const { membersMax } = limits;
  if (members.length > membersMax) {
    faults.push(`members must be at most ${membersMax}, got ${members.length}`);
  }
  return faults;
}
