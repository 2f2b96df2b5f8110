/**
 * The state of one replica (thesis figure 3.1). Protocol parts are functions over it, one file
 * each; `raft.ts` is the door.
 */
import { SmallMap, assert, nobody } from "../base/index.ts";
import type { Index, NodeKey, Term } from "../base/index.ts";
import type { Configuration } from "./configuration.ts";
import type { HardState } from "./hard-state.ts";
import { RaftLog } from "./log/raft-log.ts";
import type { LogEnvironment } from "./log/raft-log.ts";
import type { TermRun } from "./log/term-runs.ts";
import type { Message } from "./message.ts";
import type { RaftOptions } from "./options.ts";
import type { ConfirmedRead, RaftRole } from "./ready.ts";
import { Inflights } from "./tracker/inflights.ts";
import { Progress } from "./tracker/progress.ts";

/** What a replica starts from: nothing, or what its store recovered. */
export interface RaftOrigin {
  readonly self: NodeKey;
  readonly configuration: Configuration;
  readonly hardState: HardState;
  readonly lastIndex: Index;
  readonly terms: readonly TermRun[];
}

/** What the algorithm needs from outside, injected so that a seed repeats a run. */
export interface RaftEnvironment extends LogEnvironment {
  /** An integer in [lo, hi). */
  readonly random: (lo: number, hi: number) => number;
  /** Who goes first, the lowest, when several could be elected; every replica knows the same. */
  readonly rankOf: (member: NodeKey) => number;
}

export interface PendingRead {
  readonly ticket: number;
  /** The state machine must have applied this far: thesis §6.4, step 1. */
  readonly index: Index;
  /** A quorum must confirm this round or a later one: it began after the read arrived. */
  readonly round: number;
}

export class RaftState {
  readonly self: NodeKey;
  readonly options: RaftOptions;
  readonly environment: RaftEnvironment;
  readonly log: RaftLog;
  readonly configuration: Configuration;
  /** Every member but this replica, in a fixed order. */
  readonly peers: readonly NodeKey[];

  /** Latest term seen. Never falls; durable before anything is said in it. */
  term: Term;
  /** Who got this replica's vote in `term`. Changes at most once a term. */
  vote: NodeKey;
  /** Term and vote as last given to the store. */
  handedTerm: Term;
  handedVote: NodeKey;
  /** The term that is durable on this replica's disk. */
  durableTerm: Term;

  role: RaftRole = "follower";
  /** The leader of `term`, where known. */
  leader: NodeKey = nobody;
  /** The leader's node is believed dead: its lease on this follower's vote no longer holds. */
  leaderSuspected = false;

  /** Ticks since the leader was last heard; on a leader, since its quorum was last checked. */
  electionElapsed = 0;
  /**
   * This replica campaigns when `electionElapsed` reaches it; drawn anew with each change of role.
   */
  electionDeadline = 0;
  /** It has put off its campaign, since its state machine is behind. */
  gaveWay = false;
  /** Entries that were applied between the last two ticks, and up to the last one. */
  appliedInTick = 0;
  appliedAtTick: Index = 0;
  heartbeatElapsed = 0;
  /** Ticks that this replica has led for, over all its terms: the clock of `Progress`. */
  leaderTicks = 0;
  /** On a leader: ticks since it last had anything to do but heartbeats. */
  idleTicks = 0;
  /** Not ticked, and covered by the heartbeats between shards: see parking.ts. */
  parked = false;
  /** Campaigns in a row that came to nothing with no peer heard; stretches the next deadline. */
  lonelyCampaigns = 0;

  /**
   * Answers to this replica's campaign by voter: a second one of the same voter changes nothing.
   */
  readonly votes: SmallMap<NodeKey, boolean> = new SmallMap();
  /** On a leader: every member, itself included. */
  readonly progress: SmallMap<NodeKey, Progress> = new SmallMap();
  /** On a leader: those of `progress` that are not its own, to be walked. */
  followers: readonly Progress[] = [];

  /** On a leader: index of its no-op, the first entry of its own term. */
  termStart: Index = 0;
  /** On a leader: who is to lead next; `nobody` unless leadership is being handed over. */
  successor: NodeKey = nobody;
  /** The successor was told to campaign. */
  successorTold = false;
  /** Ticks since the transfer began. */
  transferElapsed = 0;
  reads: PendingRead[] = [];
  /**
   * The newest read round broadcast. Starts again with each term; answers carry the term, so old
   * ones cannot be mistaken.
   */
  readRound = 0;
  /** Reads have arrived that the newest round does not cover. */
  readRoundDue = false;

  /** Leave at once. */
  messages: Message[] = [];
  /** Leave when this replica's state as of now is durable. */
  durableMessages: Message[] = [];
  confirmedReads: ConfirmedRead[] = [];
  /** A follower needs more of what is only on disk than one turn sends. */
  backlog = false;
  roleChanged = false;

  constructor(origin: RaftOrigin, options: RaftOptions, environment: RaftEnvironment) {
    const { hardState } = origin;
    this.self = origin.self;
    this.options = options;
    this.environment = environment;
    this.configuration = origin.configuration;
    this.peers = peersOf(origin.configuration, origin.self);
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.handedTerm = hardState.term;
    this.handedVote = hardState.vote;
    this.durableTerm = hardState.term;
    this.log = new RaftLog(
      { lastIndex: origin.lastIndex, terms: origin.terms, committed: hardState.commit },
      environment,
    );
    assert(this.log.lastTerm <= this.term, "no entry is of a later term than the replica's");
    this.electionDeadline = drawElectionDeadline(this);
  }

  get isLeader(): boolean {
    return this.role === "leader";
  }
}

/**
 * Randomised (thesis §3.4). A replica that hears nobody draws from ever later ranges, up to eight
 * times: alone, it must neither loop through campaigns nor disturb its group when it comes back.
 */
export function drawElectionDeadline(state: RaftState): number {
  const { electionTicks } = state.options;
  const stretched = electionTicks * Math.min(2 ** state.lonelyCampaigns, 8);
  return state.environment.random(stretched, stretched + electionTicks);
}

export function newProgress(
  state: RaftState,
  member: NodeKey,
  next: Index,
  match: Index,
): Progress {
  const { inflightMessagesMax, inflightBytesMax } = state.options;
  return new Progress(member, next, match, new Inflights(inflightMessagesMax, inflightBytesMax));
}

function peersOf({ voters, votersOutgoing, learners }: Configuration, self: NodeKey): NodeKey[] {
  const all = new Set([...voters, ...votersOutgoing, ...learners]);
  all.delete(self);
  return [...all];
}
