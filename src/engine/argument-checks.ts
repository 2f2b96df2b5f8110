/** What is wrong with the arguments of a public call, found before anything has an effect. */
import { isUint8Array } from "node:util/types";
import {
  RaftError,
  describeNodeIdFault,
  describeValue,
  isRecord,
  isGroupId,
  limits,
  optionError,
} from "../base/index.ts";
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
  // Bytes of another realm, such as a test runner's, are no instances of this one's class.
  if (!(bytes instanceof Uint8Array) && !isUint8Array(bytes)) {
    return optionError([`a command or query must be a Uint8Array, got ${describeValue(bytes)}`]);
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
  if (!Array.isArray(batch)) {
    return optionError([`commands and queries must be an array, got ${describeValue(batch)}`]);
  }
  let bytes = -batchEntryBytes;
  for (const part of batch) {
    const fault = callFault(group, part, commandBytesMax);
    if (fault !== undefined) return fault;
    bytes += part.length + batchEntryBytes;
  }
  return bytes > commandBytesMax ? tooLarge("batch", bytes, commandBytesMax) : undefined;
}

export function groupIdInvalid(group: unknown): RaftError {
  const message = `Group id ${describeValue(group)} is not an integer from 0 to 4294967295`;
  return new RaftError("ERR_GROUP_ID_INVALID", message);
}

function tooLarge(what: string, bytes: number, max: number): RaftError {
  const message = `A ${what} of ${bytes} bytes exceeds commandBytesMax (${max})`;
  return new RaftError("ERR_ENTRY_TOO_LARGE", message);
}

/** Of the options of a proposal or read. */
export function callOptionsFault(options: unknown): RaftError | undefined {
  if (options === undefined) return undefined;
  if (!isRecord(options))
    return optionError([`options must be an object, got ${describeValue(options)}`]);
  const faults: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const fault = callOptionFault(name, value);
    if (fault !== undefined) faults.push(fault);
  }
  return faults.length === 0 ? undefined : optionError(faults);
}

/** Of the options of a call that has a deadline and nothing else. */
export function deadlineFaults(call: string, options: unknown): string[] {
  if (!isRecord(options)) return [`options must be an object, got ${describeValue(options)}`];
  const { timeoutMs, ...others } = options;
  const faults = unknownFaults(others, call);
  const timeout = timeoutMs === undefined ? undefined : timeoutFault(timeoutMs);
  if (timeout !== undefined) faults.push(timeout);
  return faults;
}

function callOptionFault(name: string, value: unknown): string | undefined {
  switch (name) {
    case "timeoutMs":
      return timeoutFault(value);
    case "signal":
      return isSignal(value)
        ? undefined
        : `signal must be an AbortSignal, got ${describeValue(value)}`;
    case "forward":
      return typeof value === "boolean"
        ? undefined
        : `forward must be true or false, got ${describeValue(value)}`;
    default:
      return `${name} is no option of a call`;
  }
}

/** A deadline that no timer can keep would end the call at once, or never. */
function timeoutFault(timeoutMs: unknown): string | undefined {
  const { min, max, unit } = engineOptionTable.timeoutMs;
  const valid = typeof timeoutMs === "number" && Number.isInteger(timeoutMs);
  if (valid && timeoutMs >= min && timeoutMs <= max) return undefined;
  return `timeoutMs must be an integer from ${min} to ${max} ${unit}, got ${describeValue(timeoutMs)}`;
}

/** Also one of another realm: by what is done with it. */
function isSignal(value: unknown): boolean {
  if (value instanceof AbortSignal) return true;
  if (typeof value !== "object" || value === null) return false;
  const { aborted, addEventListener, removeEventListener }: Partial<Record<string, unknown>> = {
    aborted: Reflect.get(value, "aborted"),
    addEventListener: Reflect.get(value, "addEventListener"),
    removeEventListener: Reflect.get(value, "removeEventListener"),
  };
  return (
    typeof aborted === "boolean" &&
    typeof addEventListener === "function" &&
    typeof removeEventListener === "function"
  );
}

export function createGroupFaults(self: NodeId, options: unknown): string[] {
  if (!isRecord(options))
    return [`createGroup needs an options object, got ${describeValue(options)}`];
  const { group: _group, members, timeoutMs, campaign, ...others } = options;
  const faults = memberFaults(self, members);
  const timeout = timeoutMs === undefined ? undefined : timeoutFault(timeoutMs);
  if (timeout !== undefined) faults.push(timeout);
  if (campaign !== undefined && typeof campaign !== "boolean") {
    faults.push(`campaign must be true or false, got ${describeValue(campaign)}`);
  }
  faults.push(...unknownFaults(others, "createGroup"));
  return faults;
}

export function campaignFaults(options: unknown): string[] {
  if (!isRecord(options)) return [`options must be an object, got ${describeValue(options)}`];
  const { force, ...others } = options;
  const faults = unknownFaults(others, "campaign");
  if (force !== undefined && typeof force !== "boolean") {
    faults.push(`force must be true or false, got ${describeValue(force)}`);
  }
  return faults;
}

function unknownFaults(others: Readonly<Record<string, unknown>>, call: string): string[] {
  return Object.keys(others).map((name) => `${name} is no option of ${call}`);
}

export function throwFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw optionError(faults);
}

function memberFaults(self: NodeId, given: unknown): string[] {
  if (!Array.isArray(given)) return ["members must be an array of node ids"];
  const members: readonly unknown[] = given;
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
