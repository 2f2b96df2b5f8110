/**
 * The values beside the log: whose store this is, and one descriptor for each group. FORMAT.md
 * shows every byte.
 *
 *      magic u32 │ format version u32 │ CRC-32C of the rest u32 │ CBOR array
 */
import { RaftError, groupIdMax, isGroupId, isNodeId } from "../base/index.ts";
import type { GroupId } from "../base/index.ts";
import { crc32c, decodeCbor, encodeCbor } from "../wire/index.ts";
import type { MetaEntry } from "./log-env.ts";
import type { GroupMeta } from "./log-state.ts";
import type { Descriptor, Member, StoreIdentity } from "./log-store.ts";

/** Stored on disk: a change of any of these is a new format. */
export const metaFormat = {
  /** "FLI1" as a big-endian u32. */
  identityMagic: 0x464c_4931,
  /** "FLD1" as a big-endian u32. */
  descriptorMagic: 0x464c_4431,
  /** Of the whole directory; a store of another one is not opened. */
  version: 2,
  versionAt: 4,
  checksumAt: 8,
  headerBytes: 12,
  /** Key of the identity: "i". */
  identityKey: 0x69,
  /** "FLE1" as a big-endian u32. */
  epochMagic: 0x464c_4531,
  /** Key of the epoch: "e". */
  epochKey: 0x65,
  /** First byte of a descriptor's key, before the group as big-endian u32: "g". */
  descriptorKey: 0x67,
  states: ["running", "stopped", "disabled"],
  /** Why a replica is disabled; 0 for one that is not. */
  causes: [undefined, "contradiction", "damage", "applyError"],
} as const;

export function identityKey(): Uint8Array {
  return Uint8Array.of(metaFormat.identityKey);
}

export function epochKey(): Uint8Array {
  return Uint8Array.of(metaFormat.epochKey);
}

/** Of the entries that are neither the identity nor the epoch. */
export function isDescriptorKey(key: Uint8Array): boolean {
  return key[0] !== metaFormat.identityKey && key[0] !== metaFormat.epochKey;
}

export function descriptorKey(group: GroupId): Uint8Array {
  const key = new Uint8Array(5);
  key[0] = metaFormat.descriptorKey;
  new DataView(key.buffer).setUint32(1, group);
  return key;
}

/**
 * The group of a descriptor's key.
 * @throws ERR_STORE_CORRUPT where it is none
 */
export function groupOfKey(key: Uint8Array): GroupId {
  if (key.length !== 5 || key[0] !== metaFormat.descriptorKey) {
    throw corruptMeta(`key ${Buffer.from(key).toString("hex")} is not one of ours`);
  }
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(1);
}

/** What makes a new place the identity's own. */
export function identityEntry(identity: StoreIdentity): MetaEntry {
  return { key: identityKey(), value: encodeIdentity(identity) };
}

export function encodeIdentity(identity: StoreIdentity): Uint8Array {
  const { cluster, node, incarnation, shard, shards } = identity;
  return seal(metaFormat.identityMagic, [cluster, node, incarnation, shard, shards]);
}

/**
 * Checks that a store belongs to `expected`.
 * @throws ERR_DATA_DIR_FOREIGN, ERR_DATA_DIR_VERSION, ERR_STORE_CORRUPT
 */
export function checkIdentity(value: Uint8Array, expected: StoreIdentity): void {
  const cells = unseal(value, metaFormat.identityMagic, "identity");
  const { cluster, node, incarnation, shard, shards } = expected;
  const wanted = [cluster, node, incarnation, shard, shards];
  const names = ["cluster", "node", "incarnation", "shard", "shards"];
  const faults = names.flatMap((name, at) =>
    cells[at] === wanted[at]
      ? []
      : [`${name} is ${JSON.stringify(cells[at])}, not ${JSON.stringify(wanted[at])}`],
  );
  if (faults.length === 0 && cells.length === names.length) return;
  throw new RaftError(
    "ERR_DATA_DIR_FOREIGN",
    `Cannot open the log: the directory belongs to another: ${faults.join(", ")}`,
  );
}

/** How often a log has been claimed. */
export function encodeEpoch(epoch: number): Uint8Array {
  return seal(metaFormat.epochMagic, [epoch]);
}

/** @throws ERR_DATA_DIR_VERSION, ERR_STORE_CORRUPT */
export function decodeEpoch(value: Uint8Array): number {
  const [epoch] = unseal(value, metaFormat.epochMagic, "epoch");
  if (!isInteger(epoch, Number.MAX_SAFE_INTEGER - 1)) throw corruptMeta("epoch is no number");
  return epoch;
}

export function encodeDescriptor(meta: GroupMeta): Uint8Array {
  const { group, state, cause, reason, members } = meta.descriptor;
  const { states, causes } = metaFormat;
  const cells = [group, meta.born, states.indexOf(state), causes.indexOf(cause), reason];
  for (const { node, incarnation, directory } of members) {
    cells.push(node, incarnation, directory ?? 0);
  }
  return seal(metaFormat.descriptorMagic, cells);
}

/** @throws ERR_STORE_CORRUPT, ERR_DATA_DIR_VERSION */
export function decodeDescriptor(key: Uint8Array, value: Uint8Array): GroupMeta {
  const keyGroup = groupOfKey(key);
  const name = `descriptor of group ${keyGroup}`;
  const cells = unseal(value, metaFormat.descriptorMagic, name);
  const [group, born, stateNumber, causeNumber, reason] = cells;
  const state = typeof stateNumber === "number" ? metaFormat.states[stateNumber] : undefined;
  if (!isInteger(group, groupIdMax) || !isGroupId(group) || group !== keyGroup) {
    throw corruptMeta(`${name} says that it is of group ${JSON.stringify(group)}`);
  }
  if (!isInteger(born, Number.MAX_SAFE_INTEGER) || born < 1) {
    throw corruptMeta(`${name} has no first record`);
  }
  if (state === undefined || typeof reason !== "string" || cells.length % 3 !== 2) {
    throw corruptMeta(`${name} makes no sense`);
  }
  if (!isInteger(causeNumber, metaFormat.causes.length - 1)) {
    throw corruptMeta(`${name} is disabled for no known cause`);
  }
  const members = decodeMembers(cells.slice(5), name);
  const cause = metaFormat.causes[causeNumber];
  const descriptor: Descriptor = { group, members, state, reason, ...(cause && { cause }) };
  return { descriptor, born };
}

function decodeMembers(cells: readonly unknown[], name: string): Member[] {
  const members: Member[] = [];
  const { MAX_SAFE_INTEGER: max } = Number;
  for (let at = 0; at < cells.length; at += 3) {
    const [node, incarnation, directory] = cells.slice(at, at + 3);
    if (!isNodeId(node) || !isInteger(incarnation, max) || !isInteger(directory, max)) {
      throw corruptMeta(`${name} names an invalid member`);
    }
    members.push({ node, incarnation, ...(directory > 0 && { directory }) });
  }
  return members;
}

export function corruptMeta(reason: string, cause?: unknown): RaftError {
  return new RaftError("ERR_STORE_CORRUPT", `Cannot trust the store: ${reason}`, { cause });
}

function seal(magic: number, cells: readonly (number | string)[]): Uint8Array {
  const body = encodeCbor(cells);
  const value = new Uint8Array(metaFormat.headerBytes + body.length);
  const view = new DataView(value.buffer);
  value.set(body, metaFormat.headerBytes);
  view.setUint32(0, magic);
  view.setUint32(metaFormat.versionAt, metaFormat.version);
  view.setUint32(metaFormat.checksumAt, crc32c(value.subarray(metaFormat.headerBytes)));
  return value;
}

function unseal(value: Uint8Array, magic: number, name: string): readonly unknown[] {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.length <= metaFormat.headerBytes || view.getUint32(0) !== magic) {
    throw corruptMeta(`${name} does not begin with its magic`);
  }
  const version = view.getUint32(metaFormat.versionAt);
  // Before the checksum: only magic and version are sure to lie at the same place in every format
  // to come.
  if (version !== metaFormat.version) {
    const known = `this program knows ${metaFormat.version}`;
    const message = `Cannot open the log: ${name} has format ${version}, ${known}`;
    throw new RaftError("ERR_DATA_DIR_VERSION", message);
  }
  const body = value.subarray(metaFormat.headerBytes);
  const checksum = view.getUint32(metaFormat.checksumAt);
  const computed = crc32c(body);
  if (checksum !== computed) {
    throw corruptMeta(`${name} has checksum ${checksum}, its bytes have ${computed}`);
  }
  let cells: unknown;
  try {
    cells = decodeCbor(body);
  } catch (cause) {
    throw corruptMeta(`${name} is not CBOR`, cause);
  }
  if (!Array.isArray(cells)) throw corruptMeta(`${name} is not an array`);
  return cells;
}

function isInteger(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= max;
}
