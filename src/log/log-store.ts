/**
 * LogStore: where the replicas of one shard keep their entries, terms and votes. One store serves
 * all groups of a shard; a commit writes what one round changed in all of them, atomically. An
 * implementation must pass the suite `logStoreSuite` of `flotilla/testing`.
 */
import type {
  GroupId,
  Incarnation,
  Index,
  NodeId,
  RaftError,
  ShardId,
  Term,
} from "../base/index.ts";
import type { Block } from "../raft/index.ts";

/** When a commit counts as durable. */
export type Durability = "strict" | "pipelined" | "none";

/** A member as the group's first configuration names it. */
export interface Member {
  readonly node: NodeId;
  readonly incarnation: Incarnation;
  /**
   * The node's data directory that was asked to make the replica; undefined before it is reached.
   * The replica is made in this one or never: in another its promises are not known.
   */
  readonly directory?: Incarnation | undefined;
}

/**
 * What a shard knows of a replica besides its log. Written when the replica is created, changed
 * rarely.
 */
export interface Descriptor {
  readonly group: GroupId;
  readonly members: readonly Member[];
  /**
   * running: recovered at open. stopped: by the operator. disabled: its state cannot be trusted
   * (see `reason`).
   */
  readonly state: "running" | "stopped" | "disabled";
  readonly reason: string;
  /** Of a disabled replica: what for. It says whether an operator may enable it again. */
  readonly cause?: DisableCause | undefined;
}

/**
 * contradiction: what it holds cannot be what it promised. damage: bytes on disk do not match
 * their checksum. applyError: its state machine threw, and the option `applyError` says so.
 */
export type DisableCause = "contradiction" | "damage" | "applyError";

/** Term and vote (thesis figure 3.1). */
export interface Ballot {
  readonly term: Term;
  readonly vote: NodeId | undefined;
}

/** What one round changed in one group. */
export interface GroupChange {
  readonly group: GroupId;
  /** The commit index as known now. */
  readonly commit: Index;
  /** Present where term or vote changed since the last commit. */
  readonly ballot: Ballot | undefined;
  /**
   * New entries, ascending and without gaps. The first block may start at or below the last stored
   * index: then it replaces everything from there on, atomically with this commit.
   */
  readonly blocks: readonly Block[];
}

export interface CommitBatch {
  readonly changes: readonly GroupChange[];
  /**
   * Descriptors to create or replace. A group's first descriptor comes before or with its first
   * change.
   */
  readonly descriptors: readonly Descriptor[];
  /**
   * Groups whose descriptor and entries are forgotten. They may be created again later and start
   * empty.
   */
  readonly removed: readonly GroupId[];
}

/** A run of entries of one term: from `first` until the next run's first, or the last index. */
export interface TermRun {
  readonly first: Index;
  readonly term: Term;
}

/** A replica as found on disk. */
export interface RecoveredGroup {
  readonly descriptor: Descriptor;
  readonly ballot: Ballot;
  readonly commit: Index;
  readonly lastIndex: Index;
  readonly terms: readonly TermRun[];
  /**
   * Why its log cannot be trusted, if a part of it is proven to be damaged. All else is as it was
   * written, but the replica must neither vote nor acknowledge.
   */
  readonly damage?: string | undefined;
}

export interface StoreStats {
  /** Commits written since open. */
  readonly commits: number;
  /** Device flushes since open (fdatasync or synchronous write). */
  readonly flushes: number;
  /** Bytes of commit records since open. */
  readonly bytesWritten: number;
  /** Size of the store on disk, in bytes; of the memory held, where there is no disk. */
  readonly bytesStored: number;
  /** Memory that tells where entries lie, off the heap for the most part. */
  readonly indexBytes?: number | undefined;
}

/** Whose store this is. A directory opened under another identity is refused. */
export interface StoreIdentity {
  readonly cluster: string;
  readonly node: NodeId;
  readonly incarnation: Incarnation;
  readonly shard: ShardId;
  /** Number of shards: a group's shard depends on it, so it cannot change under stored groups. */
  readonly shards: number;
}

/** What a module's `createLogStore` is given, once for each shard. */
export interface LogStoreContext {
  /** A directory for this shard's store alone; not created yet. */
  readonly dir: string;
  /** To whom the store belongs: one that finds another identity must refuse to open. */
  readonly identity: StoreIdentity;
  readonly durability: Durability;
}

export type CreateLogStore = (context: LogStoreContext) => LogStore;

export interface LogStore {
  readonly durability: Durability;
  /**
   * How many commits may be in flight. At 1 the next `commit` must wait for the promise of the one
   * before; at 2 a commit's promise may need the next commit (or a turn without one) to resolve.
   */
  readonly commitsInFlightMax: number;

  /**
   * Opens, checks and reads what is there. Called once, before anything else. A place that has been
   * in use and holds nothing now has lost it: ERR_STORE_CORRUPT, and never a new store, since its
   * voters would come back without what they have acknowledged.
   * @throws ERR_DATA_DIR_FOREIGN, ERR_DATA_DIR_VERSION, ERR_STORE_CORRUPT, ERR_STORE_FAILED
   */
  open(): Promise<readonly RecoveredGroup[]>;

  /**
   * Writes a batch atomically. Resolves when it would survive a loss of power (`none`: a kill of
   * the process). Commits become durable in the order of their calls. The caller may reuse
   * `changes` once the call has returned. Rejects with ERR_STORE_FULL before anything is written if
   * the batch would go beyond a bound. Rejects with ERR_STORE_FAILED; the store is then dead:
   * every later call rejects at once, nothing is ever retried, since after a failed flush the
   * kernel may report pages as clean that never reached the disk.
   */
  commit(batch: CommitBatch): Promise<void>;

  /**
   * Why the log should take no more entries, an ERR_STORE_FULL that says what to do; undefined
   * while it takes them. The shard then refuses proposals and drops entries of other nodes.
   * Ballots, commit indexes, descriptors and entries already in flight are still committed, until
   * `commit` rejects with ERR_STORE_FULL. Without this method the log has no bound.
   */
  full?(): RaftError | undefined;

  /**
   * Entries of a group in log order from `from` on: the first block starts exactly at `from`. At
   * least one block where one exists, then more while their bytes stay within `bytesMax` and a few
   * commits hold them. Includes commits that are not durable yet. Verifies checksums.
   * @throws ERR_STORE_CORRUPT where stored bytes do not match; ERR_STORE_FAILED where they cannot
   * be read
   */
  read(group: GroupId, from: Index, bytesMax: number): readonly Block[];

  /**
   * Where an entry lies: a number that is the same for all entries of one commit and grows from
   * commit to commit; 0 where there is no such entry. Readers that follow it together let the store
   * read each commit once.
   */
  position(group: GroupId, index: Index): number;

  /**
   * How many commits, one behind the other in the log, stay in memory once they have been read:
   * readers that keep within such a span read each commit once. At least 1.
   */
  readSpan(): number;

  stats(): StoreStats;

  /** Waits for commits in flight and closes. May be called more than once. */
  close(): Promise<void>;
}
