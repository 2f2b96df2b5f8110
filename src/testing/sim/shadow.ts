/**
 * What the simulated disks hold of every replica, in the plainest form: term, vote and one cell an
 * entry. It is fed by the commits that the shards give to their stores and by what the disks do to
 * them, and shares no code with the log store: it is what recovery is compared with.
 *
 *      commit given to the store ─► `written`        the disk made it durable ─► `durable`
 *      power cut: `written` falls back to `durable` and what of the rest had reached the disk
 */
import type { GroupId, Incarnation, Index, NodeId, Term } from "../../base/index.ts";
import type { CommitBatch, Descriptor, GroupChange } from "../../log/index.ts";
import { decodeEntries } from "../../raft/index.ts";
import { crc32c } from "../../wire/index.ts";

/** A log with term and vote; entry i is in cell i - 1. */
export class ShadowLog {
  term: Term = 0;
  vote: NodeId | undefined;
  commit: Index = 0;
  readonly terms: Term[] = [];
  /** A hash of each command's bytes, with its kind. */
  readonly hashes: number[] = [];

  get lastIndex(): Index {
    return this.terms.length;
  }

  /** 0 for index 0, undefined where there is no such entry. */
  termAt(index: Index): Term | undefined {
    return index === 0 ? 0 : this.terms[index - 1];
  }

  take(change: ShadowChange): void {
    if (change.term !== undefined) {
      this.term = change.term;
      this.vote = change.vote;
    }
    this.commit = change.commit;
    if (change.terms.length === 0) return;
    this.terms.length = Math.min(this.terms.length, change.first - 1);
    this.hashes.length = this.terms.length;
    this.terms.push(...change.terms);
    this.hashes.push(...change.hashes);
  }

  copy(): ShadowLog {
    const copy = new ShadowLog();
    copy.term = this.term;
    copy.vote = this.vote;
    copy.commit = this.commit;
    copy.terms.push(...this.terms);
    copy.hashes.push(...this.hashes);
    return copy;
  }
}

/** One group's part of a commit. */
export interface ShadowChange {
  readonly group: GroupId;
  /** Undefined where term and vote stay as they are. */
  readonly term: Term | undefined;
  readonly vote: NodeId | undefined;
  readonly commit: Index;
  /** The first entry that is replaced or added; of no meaning where there is none. */
  readonly first: Index;
  readonly terms: readonly Term[];
  readonly hashes: readonly number[];
}

/** A replica of one incarnation: its whole life, over crashes and restarts. */
export class ShadowReplica {
  readonly node: NodeId;
  readonly group: GroupId;
  readonly incarnation: Incarnation;
  readonly members: readonly NodeId[];
  /**
   * The first member's incarnation: the same on all replicas of one creation of the group, and on
   * none of another creation under the same id.
   */
  readonly birth: Incarnation;
  private readonly descriptor: Descriptor;
  written: ShadowLog = new ShadowLog();
  durable: ShadowLog = new ShadowLog();
  state: Descriptor["state"];
  /** As a power cut would leave it. */
  durableState: Descriptor["state"];

  constructor(node: NodeId, incarnation: Incarnation, descriptor: Descriptor) {
    this.node = node;
    this.state = descriptor.state;
    this.durableState = descriptor.state;
    this.descriptor = descriptor;
    this.group = descriptor.group;
    this.incarnation = incarnation;
    this.members = descriptor.members.map((member) => member.node);
    this.birth = descriptor.members[0]?.incarnation ?? incarnation;
  }

  copy(): ShadowReplica {
    const copy = new ShadowReplica(this.node, this.incarnation, this.descriptor);
    copy.state = this.durableState;
    copy.durableState = this.durableState;
    copy.written = this.durable.copy();
    copy.durable = this.durable.copy();
    return copy;
  }
}

/** A commit in the plainest form, made once and applied to `written` and `durable` in turn. */
export interface ShadowCommit {
  readonly changes: readonly ShadowChange[];
  readonly descriptors: readonly Descriptor[];
  readonly removed: readonly GroupId[];
}

export function shadowCommit(batch: CommitBatch): ShadowCommit {
  return {
    changes: batch.changes.map(shadowChange),
    descriptors: batch.descriptors,
    removed: [...batch.removed],
  };
}

function shadowChange({ group, commit, ballot, blocks }: GroupChange): ShadowChange {
  const terms: Term[] = [];
  const hashes: number[] = [];
  for (const block of blocks) {
    for (const command of decodeEntries(block)) {
      terms.push(block.term);
      hashes.push(hashOf(command, block.kind));
    }
  }
  const first = blocks[0]?.first ?? 0;
  return { group, term: ballot?.term, vote: ballot?.vote, commit, first, terms, hashes };
}

/** Beyond this the native checksum is quicker than a loop. */
const loopBytesMax = 128;

/** FNV-1a over a command's bytes; of long ones, their checksum. */
export function hashOf(bytes: Uint8Array, seed: number): number {
  if (bytes.length > loopBytesMax) return (crc32c(bytes) ^ seed) >>> 0;
  let hash = (0x811c_9dc5 ^ seed) >>> 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193) >>> 0;
  return hash;
}
