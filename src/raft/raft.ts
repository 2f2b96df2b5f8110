/**
 * One replica of one group: messages, ticks and proposals in, Ready out. This file is the door and
 * the dispatch; the protocol is in election.ts, replication.ts, heartbeat.ts, read-index.ts,
 * transfer.ts and parking.ts.
 */
import { RaftError, assert, nobody, none, unreachable } from "../base/index.ts";
import type { Index, NodeKey, Term } from "../base/index.ts";
import { newBlock } from "./block.ts";
import type { Block, BlockKind } from "./block.ts";
import {
  campaign,
  checkQuorum,
  handlePreVoteRequest,
  handlePreVoteResponse,
  handleVoteRequest,
  handleVoteResponse,
  preCampaign,
  resetCampaignBackoff,
  staysWithLeader,
  suspectLeader,
  tickElection,
} from "./election.ts";
import {
  broadcastHeartbeat,
  handleHeartbeatRequest,
  handleHeartbeatResponse,
  sendDueHeartbeats,
  takeCommit,
} from "./heartbeat.ts";
import type { Message } from "./message.ts";
import type { RaftOptions } from "./options.ts";
import {
  handleParkRequest,
  handleParkResponse,
  isUnexpected,
  maybeAskToPark,
  unpark,
  wake,
} from "./parking.ts";
import type { AbsenceCheck } from "./parking.ts";
import { isOnlyVoter, isVoter } from "./quorum/joint.ts";
import { requestRead } from "./read-index.ts";
import type { BallotChange, PersistMark, Ready, RoleChange } from "./ready.ts";
import {
  handleAppendRequest,
  handleAppendResponse,
  hasAppends,
  hasCommitNotices,
  maybeCommit,
  pushAppendResponse,
  reportUnreachable,
  sendAppends,
  sendCommitNotices,
} from "./replication.ts";
import type { AppendGate } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { RaftState, drawElectionDeadline } from "./state.ts";
import type { RaftEnvironment, RaftOrigin } from "./state.ts";
import {
  beginTransfer,
  chooseSuccessor,
  endTransfer,
  farewell,
  handleTimeoutNow,
  maybeTellSuccessor,
  tickTransfer,
} from "./transfer.ts";

/** What a proposal needs to become a block. */
export interface ProposedBlock {
  readonly kind: BlockKind;
  readonly count: number;
  readonly timeMs: number;
  readonly checksum: number;
  readonly bytes: Uint8Array;
}

export class Raft {
  readonly state: RaftState;

  constructor(origin: RaftOrigin, options: RaftOptions, environment: RaftEnvironment) {
    this.state = new RaftState(origin, options, environment);
  }

  /**
   * One tick of logical time; none passes for a parked replica. `isAbsent` tells a leader whom its
   * group may park without.
   */
  tick(isAbsent: AbsenceCheck = noneAbsent): void {
    const { state } = this;
    if (state.parked) return;
    if (state.log.tailBytes > 0) {
      this.evict();
      state.log.unpin();
    }
    if (state.role !== "leader") {
      tickElection(state);
      return;
    }
    state.electionElapsed += 1;
    if (state.electionElapsed >= state.options.electionTicks) {
      state.electionElapsed = 0;
      checkQuorum(state);
      if (!state.isLeader) return;
    }
    state.leaderTicks += 1;
    state.idleTicks += 1;
    tickTransfer(state);
    state.heartbeatElapsed += 1;
    if (state.heartbeatElapsed < state.options.heartbeatTicks) return;
    if (!maybeAskToPark(state, isAbsent)) sendDueHeartbeats(state);
  }

  /**
   * Takes a message of a peer, or one of this replica's own that has become durable.
   * @throws ERR_GROUP_DISABLED where a leader contradicts what is committed here: the replica must
   * not go on.
   */
  step(message: Message): void {
    const { state } = this;
    if (message.from !== state.self) resetCampaignBackoff(state);
    if (!isIdleTalk(message) || isUnexpected(state, message.from)) wake(state);
    if (message.term > state.term) this.stepHigherTerm(message);
    else if (message.term < state.term) this.stepLowerTerm(message);
    else this.stepSameTerm(message);
  }

  private stepHigherTerm(message: Message): void {
    const { state } = this;
    switch (message.kind) {
      case "preVoteRequest":
        handlePreVoteRequest(state, message);
        return;
      case "preVoteResponse":
        if (message.granted) {
          handlePreVoteResponse(state, message.from, message.term, true);
          return;
        }
        becomeFollower(state, message.term, nobody);
        return;
      case "voteRequest":
        // A follower that hears its leader stays with it: a disturbed or removed replica cannot
        // unseat it (thesis §4.2.3).
        if (!message.force && staysWithLeader(state, message.from)) return;
        becomeFollower(state, message.term, nobody);
        break;
      case "appendRequest":
      case "heartbeatRequest":
      case "commitNotice":
      case "parkRequest":
      case "timeoutNow":
        becomeFollower(state, message.term, message.from);
        break;
      case "voteResponse":
      case "appendResponse":
      case "heartbeatResponse":
      case "parkResponse":
        becomeFollower(state, message.term, nobody);
        return;
      default:
        unreachable(message);
    }
    this.stepSameTerm(message);
  }

  private stepLowerTerm(message: Message): void {
    const { state } = this;
    switch (message.kind) {
      case "appendRequest":
      case "heartbeatRequest":
      case "parkRequest":
        // A leader of an older term, perhaps back from a partition, learns of this one from the
        // answer and steps down. Silence would leave it and, with pre-vote, this replica stuck:
        // neither could ever make the other move.
        pushAppendResponse(state, message.from, {
          index: 0,
          rejected: true,
          hintIndex: 0,
          hintTerm: 0,
        });
        return;
      case "preVoteRequest":
        handlePreVoteRequest(state, message);
        return;
      default:
        return;
    }
  }

  private stepSameTerm(message: Message): void {
    const { state } = this;
    switch (message.kind) {
      case "preVoteRequest":
        handlePreVoteRequest(state, message);
        return;
      case "preVoteResponse":
        handlePreVoteResponse(state, message.from, message.term, message.granted);
        return;
      case "voteRequest":
        handleVoteRequest(state, message);
        return;
      case "voteResponse":
        handleVoteResponse(state, message.from, message.granted);
        return;
      case "appendRequest":
        this.hearLeader(message.from);
        handleAppendRequest(state, message);
        return;
      case "heartbeatRequest":
        this.hearLeader(message.from);
        handleHeartbeatRequest(state, message);
        return;
      case "commitNotice":
        this.hearLeader(message.from);
        takeCommit(state, message.commit, message.commitTerm);
        return;
      case "appendResponse":
        if (!state.isLeader) return;
        handleAppendResponse(state, message);
        maybeTellSuccessor(state);
        return;
      case "heartbeatResponse":
        if (state.isLeader) handleHeartbeatResponse(state, message);
        return;
      case "parkRequest":
        this.hearLeader(message.from);
        handleParkRequest(state, message);
        return;
      case "parkResponse":
        if (state.isLeader) handleParkResponse(state, message);
        return;
      case "timeoutNow":
        this.hearLeader(message.from);
        handleTimeoutNow(state, message);
        return;
      default:
        unreachable(message);
    }
  }

  /** A message of the leader of this term arrived: there can be no other (election safety). */
  private hearLeader(from: NodeKey): void {
    const { state } = this;
    if (state.role === "leader" || (state.leader !== nobody && state.leader !== from)) {
      throw new RaftError(
        "ERR_GROUP_DISABLED",
        `Nodes ${state.leader} and ${from} both lead term ${state.term}`,
        { details: { reason: `two leaders in term ${state.term}` } },
      );
    }
    if (state.role !== "follower" || state.leader === nobody) {
      becomeFollower(state, state.term, from);
    }
    state.electionElapsed = 0;
    if (state.leaderSuspected || state.gaveWay) {
      state.leaderSuspected = false;
      state.gaveWay = false;
      state.electionDeadline = drawElectionDeadline(state);
    }
  }

  /**
   * Whether `propose` would take a block now: this is the leader, it hands over to nobody, and its
   * uncommitted entries leave room.
   */
  get admits(): boolean {
    const { isLeader, log, options, successor } = this.state;
    if (!isLeader || successor !== nobody) return false;
    return log.uncommittedBytes() < options.uncommittedBytesMax;
  }

  /**
   * Whether `takeReady` would hand over anything. An acknowledgement that moves nothing does not
   * need a turn.
   */
  get hasReady(): boolean {
    const { state } = this;
    return (
      state.roleChanged ||
      state.readRoundDue ||
      state.messages.length > 0 ||
      state.durableMessages.length > 0 ||
      state.confirmedReads.length > 0 ||
      state.log.handed < state.log.lastIndex ||
      state.term !== state.handedTerm ||
      state.vote !== state.handedVote ||
      (state.isLeader && hasAppends(state))
    );
  }

  /**
   * Appends a block of proposals. Returns its first index, or why not: "notLeader", "full" while
   * more than `uncommittedBytesMax` wait for their commit, or "handingOver" to a successor.
   */
  propose(block: ProposedBlock): Index | "notLeader" | "full" | "handingOver" {
    const { state } = this;
    const { log, options } = state;
    if (!state.isLeader) return "notLeader";
    if (state.successor !== nobody) return "handingOver";
    if (log.uncommittedBytes() >= options.uncommittedBytesMax) return "full";
    const first = log.lastIndex + 1;
    wake(state);
    const { kind, count, timeMs, checksum, bytes } = block;
    log.append(newBlock({ first, term: state.term, kind, count, timeMs, checksum, bytes }));
    return first;
  }

  /**
   * Asks for a linearizable read; `Ready.confirmedReads` names the ticket when it may run. False
   * where this is no leader.
   */
  requestRead(ticket: number): boolean {
    if (!this.state.isLeader) return false;
    wake(this.state);
    requestRead(this.state, ticket);
    return true;
  }

  /**
   * Campaigns now, whatever the timer says. Asks first (pre-vote) unless `force`. Returns false on
   * a leader and where this replica is no voter.
   */
  campaign(force = false): boolean {
    if (this.state.isLeader || !isVoter(this.state.configuration, this.state.self)) return false;
    wake(this.state);
    if (force) campaign(this.state, true);
    else preCampaign(this.state);
    return true;
  }

  /**
   * Campaigns if no other vote is needed. Nobody else can lead, so a timeout would be waited for in
   * vain, at each restart.
   */
  campaignAlone(): boolean {
    const { state } = this;
    return isOnlyVoter(state.configuration, state.self) && this.campaign();
  }

  /** The voter that is best prepared to lead among those that `isWilling` names, or `nobody`. */
  findSuccessor(isWilling: (voter: NodeKey) => boolean): NodeKey {
    return this.state.isLeader ? chooseSuccessor(this.state, isWilling) : nobody;
  }

  /**
   * Hands leadership over to `to`, or to the voter that is best prepared among those that
   * `isWilling` names. Returns the successor, or `nobody` if there is none. This replica leads
   * until it hears of the next term; `successor` is `nobody` again when the transfer took too long.
   */
  handOver(isWilling: (voter: NodeKey) => boolean, to: NodeKey = nobody): NodeKey {
    const { state } = this;
    const accepts = to === nobody ? isWilling : (voter: NodeKey): boolean => voter === to;
    const successor = this.findSuccessor(accepts);
    if (successor === nobody) endTransfer(state);
    else {
      wake(state);
      beginTransfer(state, successor);
    }
    return successor;
  }

  /** What a leader that is disabled sends to its successor, if one has everything. */
  farewell(isWilling: (voter: NodeKey) => boolean): Message | undefined {
    return this.state.isLeader ? farewell(this.state, isWilling) : undefined;
  }

  /** Whom leadership is being handed over to, or `nobody`. */
  get successor(): NodeKey {
    return this.state.successor;
  }

  /**
   * Gives up leadership with no successor; the timer starts anew, so that another may be faster.
   * Returns false where this is no leader.
   */
  resign(): boolean {
    if (!this.state.isLeader) return false;
    becomeFollower(this.state, this.state.term, nobody);
    return true;
  }

  /**
   * Votes in no term up to this one: what this node has said in them, nobody knows any more. Its
   * term is that at least, and its vote in it counts as given.
   */
  abstainThrough(term: Term): void {
    const { state } = this;
    if (term <= state.term) return;
    becomeFollower(state, term, nobody);
    state.vote = state.self;
  }

  /**
   * `node` is believed not to lead any more. `paceTicks` delays the campaign that follows, so that
   * thousands of groups do not campaign at once.
   */
  suspectLeader(node: NodeKey, paceTicks = 0): void {
    if (this.state.leader !== node) return;
    wake(this.state);
    suspectLeader(this.state, paceTicks);
  }

  reportUnreachable(peer: NodeKey): void {
    if (!this.state.isLeader) return;
    wake(this.state);
    reportUnreachable(this.state, peer);
  }

  /** Whether a leader is known and was heard within the last election timeout, or nearly. */
  get hearsLeader(): boolean {
    const { leader, electionElapsed, options } = this.state;
    return leader !== nobody && electionElapsed + options.heartbeatTicks < options.electionTicks;
  }

  /** Whether no ticks are needed: others vouch for the leader, or for its followers. */
  get parked(): boolean {
    return this.state.parked;
  }

  /** Takes part again: nobody vouches any more. */
  unpark(): void {
    unpark(this.state);
  }

  /** `node` says that it has stopped leading in `term`. */
  leadershipEnded(node: NodeKey, term: Term): void {
    if (this.state.term === term) this.suspectLeader(node);
  }

  /** Everything up to the mark is durable. */
  persisted(mark: PersistMark): void {
    const { state } = this;
    state.durableTerm = Math.max(state.durableTerm, mark.term);
    state.log.stableTo(mark);
    if (!state.isLeader) return;
    const own = state.progress.get(state.self);
    if (own?.maybeUpdate(state.log.stable) === true) maybeCommit(state);
    maybeTellSuccessor(state);
  }

  /** The state machine has taken everything up to `index`. */
  applied(index: Index): void {
    const { log } = this.state;
    assert(index >= log.applied && index <= log.committed, "applied <= committed");
    log.applied = index;
  }

  private evict(): void {
    const { state } = this;
    if (state.log.tailBytes === 0) return;
    let needed = Number.POSITIVE_INFINITY;
    for (const { state: sending, next } of state.followers) {
      if (sending === "replicate") needed = Math.min(needed, next - 1);
    }
    state.log.evict(needed, state.options.tailBytesMax);
  }

  /** Whether entries wait to be given to the store. */
  get hasUnhanded(): boolean {
    const { log } = this.state;
    return log.handed < log.lastIndex;
  }

  /** Whether followers wait to be told a commit index that no entries have carried to them. */
  get hasCommitNotices(): boolean {
    return hasCommitNotices(this.state);
  }

  /**
   * Hands over what is to be done. `gate` tells which peers' connections take entries now. Without
   * `commitNotices` the commit index goes only where entries carry it. Of the entries for the store
   * about `bytesMax` are handed over, none if that is 0; the rest comes with a later Ready.
   */
  takeReady(
    gate: AppendGate = () => true,
    commitNotices = true,
    bytesMax: number = Number.POSITIVE_INFINITY,
  ): Ready {
    const { state } = this;
    const { log } = state;
    if (state.isLeader) {
      if (state.readRoundDue) broadcastHeartbeat(state);
      sendAppends(state, gate);
      if (commitNotices) sendCommitNotices(state);
    }
    const { backlog } = state;
    state.backlog = false;
    const ballot = this.takeBallot();
    const blocks = log.takeUnhanded(bytesMax);
    this.evict();
    const { messages, confirmedReads } = state;
    const durableMessages = takeDurableMessages(state);
    // An empty list is never the state's own: one that `step` goes on filling while the Ready is on
    // its way to the disk would let a vote or an acknowledgement of later entries leave when only
    // this Ready is durable.
    if (messages.length > 0) state.messages = [];
    if (confirmedReads.length > 0) state.confirmedReads = [];
    return {
      messages: messages.length > 0 ? messages : none,
      ballot,
      // Beyond what is handed over the disk may hold entries that a new leader has replaced.
      commit: Math.min(log.committed, log.handed),
      blocks,
      mark: { lastIndex: log.handed, lastTerm: log.handedTerm, term: state.term },
      mustPersist: ballot !== undefined || blocks.length > 0,
      durableMessages,
      confirmedReads: confirmedReads.length > 0 ? confirmedReads : none,
      backlog,
      roleChange: this.takeRoleChange(),
    };
  }

  private takeBallot(): BallotChange | undefined {
    const { state } = this;
    const { term, vote } = state;
    if (term === state.handedTerm && vote === state.handedVote) return undefined;
    state.handedTerm = term;
    state.handedVote = vote;
    return { term, vote };
  }

  private takeRoleChange(): RoleChange | undefined {
    const { state } = this;
    if (!state.roleChanged) return undefined;
    state.roleChanged = false;
    return { role: state.role, leader: state.leader, term: state.term };
  }

  get term(): Term {
    return this.state.term;
  }

  get isLeader(): boolean {
    return this.state.isLeader;
  }

  /** The leader of the present term, or `nobody`. */
  get leader(): NodeKey {
    return this.state.leader;
  }

  /**
   * The next blocks for the state machine, about `bytesMax` of them; call `applied` when they are
   * in.
   */
  nextCommitted(bytesMax: number): readonly Block[] {
    return this.state.log.nextCommitted(bytesMax);
  }
}

function noneAbsent(): boolean {
  return false;
}

/**
 * What may be said when all that has been handed over is durable. What rests on entries that a
 * later Ready hands over waits for that one.
 */
function takeDurableMessages(state: RaftState): readonly Message[] {
  const { durableMessages, log } = state;
  if (durableMessages.length === 0) return none;
  state.durableMessages = [];
  if (log.handed === log.lastIndex) return durableMessages;
  return durableMessages.filter((message) => {
    const early =
      message.kind === "voteRequest" ||
      (message.kind === "appendResponse" && !message.rejected && message.index > log.handed);
    if (early) state.durableMessages.push(message);
    return !early;
  });
}

/** What idle replicas say to each other; anything else is a reason to wake up. */
function isIdleTalk({ kind }: Message): boolean {
  return kind === "heartbeatResponse" || kind === "parkRequest" || kind === "parkResponse";
}
