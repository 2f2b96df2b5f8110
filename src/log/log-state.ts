/**
 * What a store knows in memory of all its groups: descriptors, ballots, commit indexes, and where
 * each block lies. Every RecordStore keeps one; it is built at open from descriptors and records,
 * and follows every commit.
 *
 *      open    adopt(descriptor) for each, then replay(record) in order  ─►  recovered()
 *      commit  prepare(batch)  ─►  the store writes it  ─►  complete(prepared)
 *
 * A batch is judged by the rules by which its record will be judged at the next open, and before
 * anything is written: what is on disk must always open.
 */
import { assert, isGroupId, isNodeId } from "../base/index.ts";
import type { GroupId, Index, Term } from "../base/index.ts";
import { GroupIndex } from "./group-index.ts";
import type { Ballot, CommitBatch, Descriptor, GroupChange, RecoveredGroup } from "./log-store.ts";
import { damagedBlock, decodeRecord, encodeRecord, planRecord } from "./record.ts";
import { blockBytes, changeBytes } from "./record-directory.ts";
import { corruptRecord } from "./record-format.ts";
import type { RecordPlan } from "./record.ts";
import type { BlockHeader } from "./record-directory.ts";
import type { Sequence } from "./record-format.ts";

/** A group as its meta entry tells of it. */
export interface GroupMeta {
  readonly descriptor: Descriptor;
  /**
   * The first record that counts for this group. A group that was removed and created again under
   * the same id must not find its predecessor's blocks, which still lie in older records.
   */
  readonly born: Sequence;
}

interface GroupState {
  meta: GroupMeta;
  ballot: Ballot;
  commit: Index;
  /**
   * The last batch that named it, by its number of `prepare`: a group may stand in a batch only
   * once.
   */
  preparedIn: number;
  readonly index: GroupIndex;
  /** The lowest block that was found damaged at open: its record and its first entry. */
  damage?: { readonly sequence: Sequence; readonly first: Index };
}

/** A batch that may be written. Everything in it is done with once the commit has returned. */
export interface PreparedBatch {
  readonly sequence: Sequence;
  readonly plan: RecordPlan;
  readonly changes: readonly GroupChange[];
  readonly removed: readonly GroupId[];
  /** Memory that the index may need for it. */
  readonly indexBytes: number;
  /** Meta entries to write, in the same transaction as the record. */
  readonly metas: readonly GroupMeta[];
}

export class LogState {
  readonly #groups = new Map<GroupId, GroupState>();
  #lastSequence: Sequence = 0;
  #indexBytes = 0;
  /** Batches judged, sound or not. */
  #prepares = 0;

  /** The newest record, 0 where there is none. */
  get lastSequence(): Sequence {
    return this.#lastSequence;
  }

  /** Memory of all indexes. */
  get indexBytes(): number {
    return this.#indexBytes;
  }

  indexOf(group: GroupId): GroupIndex | undefined {
    return this.#groups.get(group)?.index;
  }

  adopt(meta: GroupMeta): void {
    this.#groups.set(meta.descriptor.group, newGroup(meta));
  }

  /**
   * Takes in the next record of the log. A block whose bytes are damaged stays in its group's
   * index: the group is told of with its damage, and is not to be trusted.
   * @throws ERR_STORE_CORRUPT where it does not fit what came before it
   */
  replay(sequence: Sequence, record: Uint8Array): void {
    const changes = decodeRecord(record, sequence);
    assert(sequence === this.#lastSequence + 1, "records are replayed in order");
    for (const change of changes) {
      const state = this.#groups.get(change.group);
      // No descriptor: the group was removed. Born later: this was its predecessor under the same
      // id.
      if (state === undefined || sequence < state.meta.born) continue;
      const fault = changeFault(state, change);
      if (fault !== undefined) throw corruptRecord(sequence, fault);
      const { index } = state;
      this.#indexBytes -= index.bytes;
      for (const block of change.blocks) {
        index.append(block, { sequence, headerAt: block.headerAt, offset: block.offset });
      }
      this.#indexBytes += index.bytes;
      applyHardState(state, change);
      const damaged = damagedBlock(record, change.blocks);
      // What replaces a damaged block replaces all behind it: the lowest is the last to go.
      if (damaged === undefined || damageOf(state) !== undefined) continue;
      state.damage = { sequence, first: damaged.first };
    }
    this.#lastSequence = sequence;
  }

  /** After the last record: what descriptors promise must have been found. */
  checkComplete(): void {
    for (const { meta } of this.#groups.values()) {
      if (meta.born <= this.#lastSequence) continue;
      throw corruptRecord(meta.born, `is missing: group ${meta.descriptor.group} begins in it`);
    }
  }

  recovered(): RecoveredGroup[] {
    const groups: RecoveredGroup[] = [];
    for (const state of this.#groups.values()) {
      const { meta, ballot, commit, index } = state;
      groups.push({
        descriptor: meta.descriptor,
        ballot,
        commit,
        lastIndex: index.lastIndex,
        terms: index.termRuns(),
        damage: damageOf(state),
      });
    }
    return groups.sort((a, b) => a.descriptor.group - b.descriptor.group);
  }

  /**
   * Judges a batch without changing anything. Order within a batch: removals, then descriptors,
   * then changes; so a group that is removed and described in one batch starts again, empty.
   */
  prepare(batch: CommitBatch): PreparedBatch {
    const sequence = this.#lastSequence + 1;
    this.#prepares += 1;
    const { changes } = batch;
    const removed = [...batch.removed];
    const metas: GroupMeta[] = [];
    const created = new Map<GroupId, GroupState>();
    const gone = new Set(removed);
    let indexBytes = 0;
    for (const descriptor of batch.descriptors) {
      const { group } = descriptor;
      assert(isGroupId(group), `group id ${group} is a u32`);
      const known = created.get(group) ?? (gone.has(group) ? undefined : this.#groups.get(group));
      const meta = { descriptor, born: known?.meta.born ?? sequence };
      metas.push(meta);
      if (known === undefined) created.set(group, newGroup(meta));
    }
    for (const change of changes) {
      const { group } = change;
      const state = created.get(group) ?? (gone.has(group) ? undefined : this.#groups.get(group));
      assert(state !== undefined, `group ${group} has a descriptor before or with its change`);
      assert(state.preparedIn !== this.#prepares, `group ${group} stands once in a batch`);
      state.preparedIn = this.#prepares;
      const fault = changeFault(state, change) ?? headerFault(change);
      assert(fault === undefined, `batch is sound, but it ${fault}`);
      indexBytes += state.index.growth(change.blocks.length);
    }
    return { sequence, indexBytes, plan: planRecord(changes), changes, removed, metas };
  }

  /** The batch is written: it is true from now on. */
  complete(batch: PreparedBatch): void {
    const { sequence, plan, changes, removed, metas } = batch;
    for (const group of removed) {
      this.#indexBytes -= this.#groups.get(group)?.index.bytes ?? 0;
      this.#groups.delete(group);
    }
    for (const meta of metas) {
      const state = this.#groups.get(meta.descriptor.group);
      if (state === undefined) this.adopt(meta);
      else state.meta = meta;
    }
    let headerAt = plan.changesAt;
    let offset = plan.payloadAt;
    for (const change of changes) {
      const state = this.#groups.get(change.group);
      assert(state !== undefined, "a prepared change has its group");
      const { index } = state;
      this.#indexBytes -= index.bytes;
      headerAt += changeBytes(change);
      for (const block of change.blocks) {
        index.append(block, { sequence, headerAt, offset });
        headerAt += blockBytes(block);
        offset += block.bytes.length;
      }
      this.#indexBytes += index.bytes;
      applyHardState(state, change);
    }
    this.#lastSequence = sequence;
  }
}

/** Encodes a prepared batch over `target`, which has the planned size. */
export function encodePrepared(target: Uint8Array, batch: PreparedBatch): void {
  encodeRecord(target, batch.sequence, batch.plan, batch.changes);
}

function newGroup(meta: GroupMeta): GroupState {
  const ballot = { term: 0, vote: undefined };
  return { meta, ballot, commit: 0, preparedIn: 0, index: new GroupIndex() };
}

interface AnyChange {
  readonly group: GroupId;
  readonly commit: Index;
  readonly ballot: Ballot | undefined;
  readonly blocks: readonly BlockHeader[];
}

/** What is damaged of a group's log, unless newer blocks have replaced it. */
function damageOf({ damage, index }: GroupState): string | undefined {
  if (damage === undefined || index.sequenceAt(damage.first) !== damage.sequence) return undefined;
  const { sequence, first } = damage;
  return corruptRecord(sequence, `holds entry ${first} with a wrong checksum`).message;
}

function applyHardState(state: GroupState, change: AnyChange): void {
  state.commit = change.commit;
  if (change.ballot === undefined) return;
  state.ballot = { term: change.ballot.term, vote: change.ballot.vote };
}

/**
 * Why a change cannot follow what the group has, as the end of a sentence about the record that
 * holds it.
 */
function changeFault(state: GroupState, change: AnyChange): string | undefined {
  let { lastIndex } = state.index;
  let term: Term | undefined;
  for (const block of change.blocks) {
    // The first block may replace stored entries; each next one goes on where it ended.
    const lowest = term === undefined ? 1 : lastIndex + 1;
    term ??= state.index.termAt(block.first - 1);
    const fits = block.first >= lowest && block.first <= lastIndex + 1;
    if (!fits || block.count < 1 || block.term < term) {
      return blockFault(change.group, block, lastIndex, term);
    }
    term = block.term;
    lastIndex = block.first + block.count - 1;
  }
  if (change.commit <= lastIndex) return undefined;
  const { group, commit } = change;
  return `says that group ${group} has committed ${commit} of ${lastIndex} entries`;
}

/** Words for a block that cannot follow `lastIndex`, which is of `lastTerm`. */
function blockFault(
  group: GroupId,
  { first, count, term }: BlockHeader,
  lastIndex: Index,
  lastTerm: Term,
): string {
  const where = `block ${first} of group ${group}`;
  if (count < 1 || first < 1) return `holds ${where} with ${count} entries`;
  if (first > lastIndex + 1) return `leaves a gap: ${where} follows entry ${lastIndex}`;
  if (term < lastTerm) return `holds ${where} of term ${term} after term ${lastTerm}`;
  return `holds ${where} out of order, after ${lastIndex}`;
}

/** What the directory of a record could not say, or its reader would refuse. */
function headerFault(change: GroupChange): string | undefined {
  const { group, commit, ballot, blocks } = change;
  if (!isCount(commit)) return `has commit index ${commit} for group ${group}`;
  if (ballot !== undefined && !isCount(ballot.term)) return `has term ${ballot.term} as ballot`;
  if (ballot?.vote !== undefined && !isNodeId(ballot.vote)) return `has ${ballot.vote} as vote`;
  for (const { first, count, term, timeMs } of blocks) {
    if (isCount(first) && isCount(count) && isCount(term) && isCount(timeMs)) continue;
    return `holds block ${first} of group ${group} with numbers that cannot be stored`;
  }
  return undefined;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
