/**
 * The loop of one worker: all groups of this shard, one turn at a time.
 *
 *   mail and frames arrive ─► round: ticks, proposals and reads of every group that has any
 *                               ─► send entries to followers, so that their disks begin
 *                               ─► apply what is committed, answer the engine
 *                               ─► send what else may leave at once: heartbeats, commit indexes
 *                               ─► one commit of all groups' new entries and ballots
 *                            ─► durable: acknowledgements and votes leave, and the leader
 *                               counts its own disk
 *
 * While a commit is on its way the next round's batch fills by itself.
 */
import { RaftError, assert, errorToWire, messageOf } from "../base/index.ts";
import type { ErrorCode, GroupId, Index, NodeKey, Outcome } from "../base/index.ts";
import type { CommitBatch, GroupChange } from "../log/index.ts";
import { blockKind } from "../raft/index.ts";
import type { AppendGate, Message, PersistMark, Ready } from "../raft/index.ts";
import { crc32c } from "../wire/index.ts";
import { Applier } from "./apply.ts";
import type { HeldBytes } from "./byte-budget.ts";
import { Calls } from "./calls.ts";
import type { ShardControl } from "./calls.ts";
import { ColdReads } from "./cold-reads.ts";
import { ShardContext } from "./context.ts";
import type { DescriptorWrite } from "./context.ts";
import { Creations } from "./creation.ts";
import { descriptorChanges } from "./descriptor-changes.ts";
import { DiskWatch } from "./disk-watch.ts";
import type { ShardEnvironment } from "./environment.ts";
import { EntryMemory } from "./entry-memory.ts";
import { failCalls, failLedCalls } from "./fail-calls.ts";
import { leaderHint } from "./forward.ts";
import { campaignAlone, endFor, endMachine, idOrNobody, retryFailed } from "./groups.ts";
import { Inbound, stepReplica, wantsTurn } from "./inbound.ts";
import { Invitations } from "./invitations.ts";
import { owesBallot } from "./joining.ts";
import type { GroupInfo } from "./mail-records.ts";
import type { ShardOptions } from "./options.ts";
import type { Replica } from "./replica.ts";
import { recoverGroups } from "./recovery.ts";
import type { Recovery } from "./recovery.ts";
import { PeerRequests } from "./requests.ts";
import type { Role } from "./state-machine.ts";
import { roleOf } from "./status.ts";

/**
 * Ticks that one round makes up for at most: time that this shard slept must not count as its
 * leaders' silence.
 */
const ticksPerRoundMax = 2;
/** Groups in one round from which on the shard counts as busy. */
const busyGroups = 32;

/** What waits for one commit to be durable. */
interface RoundWork {
  readonly replicas: Replica[];
  readonly marks: (PersistMark | undefined)[];
  readonly messages: (readonly Message[])[];
  readonly descriptors: readonly DescriptorWrite[];
}

export class Shard implements ShardControl {
  /** Settles when the shard has closed its store and its links. */
  readonly ended: Promise<void>;
  private readonly context: ShardContext;
  private readonly requests: PeerRequests;
  private readonly creations: Creations;
  private readonly invitations: Invitations;
  private readonly applier: Applier;
  private readonly calls: Calls;
  private readonly inbound: Inbound;
  private readonly memory: EntryMemory;
  private readonly coldReads: ColdReads = new ColdReads();
  private readonly diskWatch: DiskWatch;
  /** The replica whose entries the gate is asked about: one gate for all of them. */
  private gated: Replica | undefined;
  private readonly gate: AppendGate = (peer, onDisk) =>
    this.gated !== undefined && this.gateOf(this.gated, peer, onDisk);
  /** Whether this round tells followers a commit index that no entries carry. */
  private commitNotices = true;
  private settleEnded: () => void = () => {};
  private stopTicks: () => void = () => {};
  private started = false;
  private lastTickMs = 0;
  /** Bytes of entries that this round may still write. */
  private roundBytes = 0;
  private ticksDue = 0;
  /** Commits given to the store and not durable yet. */
  private commitsInFlight = 0;
  /** A round came while the store took no more commits. */
  private roundWaits = false;
  /** Ends when the newest commit is durable; what needs no commit of its own queues behind it. */
  private lastCommit: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined;

  constructor(environment: ShardEnvironment, options: ShardOptions) {
    this.context = new ShardContext(environment, options, () => this.round());
    this.requests = new PeerRequests(this.context);
    this.applier = new Applier(this.context);
    const { requests } = this;
    this.creations = new Creations(this.context, requests);
    const { creations } = this;
    this.calls = new Calls(this.context, { requests, creations }, this);
    this.memory = new EntryMemory(this.context);
    this.invitations = new Invitations(this.context, requests);
    const { memory, invitations } = this;
    this.inbound = new Inbound(this.context, { requests, memory, invitations });
    this.diskWatch = new DiskWatch(options.electionTicks);
    this.ended = new Promise((resolve) => {
      this.settleEnded = resolve;
    });
  }

  /**
   * Opens the store, brings back its groups and binds the port. Nothing is sent or ticked before
   * `start`.
   * @throws what the store and the transport throw; both are closed then.
   */
  async open(recovery: Recovery): Promise<void> {
    const { environment, replies } = this.context;
    const { store, transport } = environment;
    let groups: GroupInfo[];
    try {
      groups = recoverGroups(this.context, await store.open(), recovery);
      this.context.inHand.release();
      await transport.listen(this.inbound);
    } catch (error) {
      // The replicas found so far have asked for a round; it must not meet a closed store.
      this.context.ended = true;
      // The thread lives on, and tries again if the port is taken: it must not keep what they hold.
      for (const replica of this.context.replicas.values()) {
        endMachine(this.context, replica);
      }
      await transport.close();
      await store.close();
      throw error;
    }
    replies.event({ kind: "opened", port: transport.port, groups });
    this.context.postMail();
  }

  start(ports: readonly number[]): void {
    const { environment, options } = this.context;
    const { clock, scheduler, transport } = environment;
    transport.setDirectory(ports);
    if (this.started) return;
    this.started = true;
    this.lastTickMs = clock.monotonicMs();
    // The timer only asks for a round: what peers have sent meanwhile is read before the tick
    // counts their silence.
    this.stopTicks = scheduler.every(options.tickMs, () => {
      const elapsed = Math.floor((clock.monotonicMs() - this.lastTickMs) / options.tickMs);
      this.lastTickMs += elapsed * options.tickMs;
      this.ticksDue = Math.min(this.ticksDue + elapsed, ticksPerRoundMax);
      this.watchDisk(Math.min(elapsed, ticksPerRoundMax));
      this.context.handovers.tick();
      this.context.inHand.release();
      this.context.schedule();
    });
    for (const replica of this.context.replicas.values()) campaignAlone(this.context, replica);
    this.context.schedule();
  }

  /** For those who watch from outside, such as a simulator's checks; not to be changed. */
  get replicas(): ReadonlyMap<GroupId, Replica> {
    return this.context.replicas;
  }

  /** What it holds now of the shares of its bytes, for those who watch. */
  get held(): HeldBytes {
    const { tails, replies, outboxes } = this.context;
    return {
      entries: tails.bytes,
      forwarded: replies.forwardedBytes,
      unread: replies.unreadBytes,
      waiting: outboxes.heldBytes,
      frameBytesMax: this.inbound.frameBytesMax,
      answerBytesMax: replies.answerBytesMax,
    };
  }

  /** Mail of the engine. */
  receive(mail: ArrayBuffer): void {
    if (this.context.ended) return;
    this.calls.receive(mail);
    this.context.inHand.release();
  }

  private round(): void {
    const { context } = this;
    const { store } = context.environment;
    if (this.commitsInFlight >= store.commitsInFlightMax) {
      this.roundWaits = true;
      // What needs no disk does not wait for it: local reads, refusals, what is durable already.
      this.answer();
      return;
    }
    context.counters.rounds += 1;
    this.lookForRoom();
    this.memory.beforeRound();
    const ticked = this.tick();
    const descriptors = context.descriptorWrites;
    context.descriptorWrites = [];
    const work: RoundWork = { replicas: [], marks: [], messages: [], descriptors };
    const changes: GroupChange[] = [];
    this.inbound.callWaiting();
    const { dirty } = context;
    context.dirty = [];
    context.busy = dirty.length >= busyGroups;
    this.commitNotices = ticked || !context.busy;
    this.roundBytes = context.options.roundBytesMax;
    this.coldReads.turn(context.environment.clock.monotonicMs(), store.readSpan());
    const unserved: Replica[] = [];
    for (const replica of dirty) {
      const { roundBytes } = this;
      replica.dirty = false;
      // One that was stopped, or whose machine could not be created, before its first commit says
      // nothing, but must not forget the votes that its node gave before it was made.
      if (!replica.running && !owesBallot(context, replica)) continue;
      this.takeWork(replica, work, changes);
      if (!waitsForDisk(replica)) continue;
      if (context.entriesFull && !replica.raft.hasUnhanded) {
        context.heldBack.push(replica);
        continue;
      }
      context.markDirty(replica);
      if (roundBytes <= 0 && context.dirty.at(-1) === replica) {
        context.dirty.pop();
        unserved.push(replica);
      }
    }
    // In the next round those come first for which nothing was left in this one: no group starves
    // behind others that always have something to write.
    if (unserved.length > 0) context.dirty = unserved.concat(context.dirty);
    // Entries first: the followers' disks work while this one does. Then the answers, since a
    // caller waits for them and for a commit notice nobody does.
    for (const link of context.outboxes.endRound()) this.inbound.onDrain(link);
    context.outboxes.flushData();
    this.answer();
    if (changes.length > 0 || descriptors.length > 0) this.commit(work, changes);
    else if (work.replicas.length > 0) this.finishWithoutCommit(work);
  }

  private watchDisk(ticks: number): void {
    if (this.commitsInFlight === 0 || !this.diskWatch.tick(ticks)) return;
    const { context } = this;
    for (const replica of context.replicas.values()) {
      // A group of one member finds no better leader.
      if (!replica.running || replica.raft.state.followers.length === 0) continue;
      if (!replica.raft.resign()) continue;
      context.ticks.follow(replica);
      context.markDirty(replica);
      // Not only with its turn: a round may wait for the disk.
      this.tellRole(replica);
    }
  }

  /** Whether the log takes entries; the engine is told when it no longer does. */
  private lookForRoom(): void {
    const { context } = this;
    const full = context.environment.store.full?.();
    if (full !== undefined && context.storeFull === undefined) {
      context.replies.event({ kind: "storeFull", error: errorToWire(full) });
    }
    context.storeFull = full;
  }

  /** Whether there was a tick. */
  private tick(): boolean {
    if (this.ticksDue === 0) return false;
    const { context } = this;
    for (; this.ticksDue > 0; this.ticksDue -= 1) {
      if (!this.diskWatch.isStalled) context.ticks.tick();
    }
    this.requests.tick();
    this.creations.tick();
    this.invitations.tick();
    if (context.failures.anyWaiting) retryFailed(context);
    return true;
  }

  private takeWork(replica: Replica, work: RoundWork, changes: GroupChange[]): void {
    const { context } = this;
    let ready: Ready;
    context.inHand.take(replica.group);
    try {
      this.seal(replica);
      if (replica.handingOver) context.handovers.proceed(replica);
      this.gated = replica;
      ready = replica.raft.takeReady(this.gate, this.commitNotices, this.roundBytes);
    } catch (error) {
      // The replica's log cannot be read. It must not lead on with holes in what it sends.
      if (!(error instanceof RaftError)) throw error;
      endFor(this.context, replica, error);
      return;
    }
    context.ticks.follow(replica);
    this.route(replica, ready.messages);
    if (ready.backlog) this.context.markDirty(replica);
    if (ready.roleChange !== undefined) this.tellRole(replica);
    for (const { ticket, index } of ready.confirmedReads) replica.reads.confirm(ticket, index);
    if (replica.raft.state.log.canApply || ready.confirmedReads.length > 0) {
      this.context.markApplying(replica);
    }
    for (const { bytes } of ready.blocks) this.roundBytes -= bytes.length;
    if (ready.mustPersist) changes.push(this.changeOf(replica, ready));
    if (ready.mustPersist || ready.durableMessages.length > 0) {
      work.replicas.push(replica);
      work.marks.push(ready.mustPersist ? ready.mark : undefined);
      work.messages.push(ready.durableMessages);
    }
  }

  /** Whether entries of a replica may go to a peer now. */
  private gateOf(replica: Replica, peer: NodeKey, onDisk: Index): boolean {
    const { context } = this;
    const { outboxes, nodes, environment } = context;
    const { group } = replica;
    const node = nodes.idOf(peer);
    if (onDisk === 0) return outboxes.takesEntries(node, group, false);
    // The window must not stay where nothing can be sent to.
    if (!outboxes.hasRoomFor(node, group)) return outboxes.takesEntries(node, group, true);
    // The window before the lane: a group that is not in it must not use up its turn at the lane.
    const position = environment.store.position(group, onDisk);
    if (this.coldReads.admits(position, environment.clock.monotonicMs())) {
      return outboxes.takesEntries(node, group, true);
    }
    context.markDirty(replica);
    return false;
  }

  private changeOf(replica: Replica, { ballot, blocks, commit }: Ready): GroupChange {
    return {
      group: replica.group,
      commit,
      ballot: ballot && { term: ballot.term, vote: idOrNobody(this.context, ballot.vote) },
      blocks,
    };
  }

  /** Lays the waiting proposals into blocks and registers the waiting reads. */
  private seal(replica: Replica): void {
    const { context } = this;
    const { open, raft, reads } = replica;
    // What waits since this replica led is answered by `tellRole`, which tells what may be in the
    // log from what is not.
    if (!raft.isLeader) return;
    const { storeFull } = context;
    if (storeFull !== undefined && open.calls > 0) {
      for (const replyTo of open.take(open.calls).replyTos) {
        context.replies.failed(replyTo, storeFull);
      }
    }
    if (open.calls > 0) {
      const nowMs = context.environment.clock.monotonicMs();
      for (const replyTo of open.takeOver(context.replies, nowMs)) context.replies.over(replyTo);
    }
    let { roundBytes } = this;
    while (open.calls > 0 && roundBytes > 0 && raft.admits && !context.entriesFull) {
      const calls = open.callsWithin(context.options.blockBytesMax);
      const { bytes, count } = open.lay(calls, allocate);
      const timeMs = context.environment.clock.wallMs();
      const { term } = raft;
      const first = raft.propose({
        kind: blockKind.command,
        count,
        timeMs,
        checksum: crc32c(bytes),
        bytes,
      });
      assert(typeof first === "number", "a leader that admits proposals takes them");
      roundBytes -= bytes.length;
      replica.sealed.push({ first, term, ...open.take(calls) });
      context.counters.blocksSealed += 1;
    }
    if (reads.hasOpen) raft.requestRead(reads.ask());
  }

  private route(replica: Replica, messages: readonly Message[]): void {
    const { outboxes, nodes, counters } = this.context;
    for (const message of messages) {
      if (message.to === nodes.self) {
        stepReplica(this.context, replica, message);
        continue;
      }
      counters.messagesOut += 1;
      outboxes.sendMessage(nodes.idOf(message.to), replica.group, replica.incarnation, message);
    }
  }

  /**
   * Tells the engine of a new role or leader, and settles what an old leader's callers wait for.
   */
  private tellRole(replica: Replica): void {
    const { context } = this;
    const { raft } = replica;
    const role = roleOf(replica);
    const { leader, term } = raft;
    if (!raft.isLeader)
      failLedCalls(context, replica, (outcome) => leadershipLost(context, replica, outcome));
    context.handovers.follow(replica);
    if (replica.toldRole === role && replica.toldLeader === leader && replica.toldTerm === term)
      return;
    if (replica.toldRole !== role) this.callRoleHook(replica, role);
    replica.toldRole = role;
    replica.toldLeader = leader;
    replica.toldTerm = term;
    context.replies.event({
      kind: "roleChanged",
      group: replica.group,
      role,
      leader: idOrNobody(context, leader) ?? "",
      term,
    });
  }

  /**
   * The hook is the user's: an exception there says nothing about the state, so it ends nothing.
   */
  private callRoleHook(replica: Replica, role: Role): void {
    this.context.inHand.take(replica.group);
    try {
      replica.machine?.onRole?.(role, replica.raft.term);
    } catch (cause) {
      this.context.replies.event({
        kind: "hookFailed",
        group: replica.group,
        message: messageOf(cause),
      });
    }
  }

  private commit(work: RoundWork, changes: readonly GroupChange[]): void {
    const batch: CommitBatch = { changes, ...descriptorChanges(work.descriptors) };
    if (this.commitsInFlight === 0) this.diskWatch.progressed();
    this.commitsInFlight += 1;
    this.lastCommit = this.context.environment.store.commit(batch).then(
      () => {
        this.commitsInFlight -= 1;
        this.diskWatch.progressed();
        this.finish(work);
      },
      (error: unknown) => {
        for (const { failed } of work.descriptors) failed(asStoreError(error));
        // The store is dead: nothing here may be promised any more.
        void this.end(asStoreError(error));
      },
    );
  }

  /**
   * What promises durability but brought nothing to write still waits for the commits before it.
   */
  private finishWithoutCommit(work: RoundWork): void {
    if (this.commitsInFlight === 0) this.finish(work);
    else this.lastCommit = this.lastCommit.then(() => this.finish(work));
  }

  /** A round's writes are durable: what promises that may now be said. */
  private finish(work: RoundWork): void {
    const { context } = this;
    for (const { done } of work.descriptors) done();
    if (context.ended) return;
    for (const [at, replica] of work.replicas.entries()) {
      if (!replica.running) continue;
      const mark = work.marks[at];
      if (mark !== undefined) this.persisted(replica, mark);
      this.route(replica, work.messages[at] ?? []);
    }
    context.outboxes.flush();
    this.answer();
    this.memory.afterCommit();
    if (this.roundWaits) {
      this.roundWaits = false;
      context.schedule();
    }
  }

  /** Applies what is committed and hands over what came of it, to this node and to others. */
  private answer(): void {
    const { context } = this;
    this.applier.run();
    context.inHand.release();
    context.postMail();
    context.outboxes.flush();
  }

  private persisted(replica: Replica, mark: PersistMark): void {
    const { log } = replica.raft.state;
    this.context.inHand.take(replica.group);
    replica.raft.persisted(mark);
    if (wantsTurn(this.context, replica)) this.context.markDirty(replica);
    if (log.canApply) this.context.markApplying(replica);
  }

  close(call: number): void {
    const { handovers, ended } = this.context;
    // Before it was started nothing could be handed over: no link is up, and no time passes.
    const ready = this.started && !ended ? handovers.close() : Promise.resolve();
    void ready
      .then(() => this.end(undefined))
      .then(() => {
        this.context.replies.control(call, null);
        this.context.postMail();
        this.settleEnded();
      });
  }

  private end(error: RaftError | undefined): Promise<void> {
    this.closing ??= this.endOnce(error);
    return this.closing;
  }

  private async endOnce(error: RaftError | undefined): Promise<void> {
    const { context, requests } = this;
    const { store, transport } = context.environment;
    context.ended = true;
    this.stopTicks();
    const code = endCode(error);
    const text = error?.message ?? "the engine is closing";
    const unwritten = new RaftError(code, text, { outcome: "unknown", cause: error });
    this.creations.end(unwritten);
    requests.failAll(code, text);
    context.handovers.failAll(unwritten);
    for (const { failed } of context.descriptorWrites.splice(0)) failed(unwritten);
    for (const replica of context.replicas.values()) {
      failCalls(
        context,
        replica,
        (outcome) => new RaftError(code, text, { outcome, cause: error }),
      );
      endMachine(context, replica);
    }
    context.outboxes.flush();
    context.postMail();
    await transport.close();
    await store.close();
    if (error === undefined) return;
    context.replies.event({ kind: "failed", error: errorToWire(error) });
    context.postMail();
    this.settleEnded();
  }
}

/** Whether a replica has entries that the next round can write. */
function waitsForDisk({ open, raft }: Replica): boolean {
  return raft.hasUnhanded || (open.calls > 0 && raft.admits);
}

function allocate(bytes: number): Uint8Array {
  return Buffer.allocUnsafe(bytes);
}

function leadershipLost(context: ShardContext, replica: Replica, outcome: Outcome): RaftError {
  const { group, raft } = replica;
  const { node } = context.environment;
  const code = outcome === "none" ? "ERR_NOT_LEADER" : "ERR_LEADERSHIP_LOST";
  return new RaftError(code, `Node ${node} no longer leads group ${group} (term ${raft.term})`, {
    outcome,
    details: lossHint(context, replica),
  });
}

/** What calls are told that a shard no longer serves. */
function endCode(error: RaftError | undefined): ErrorCode {
  if (error === undefined) return "ERR_ENGINE_CLOSED";
  return error.code === "ERR_STORE_FULL" ? error.code : "ERR_STORE_FAILED";
}

/** Until a leader is heard, whom this replica has voted for is the best guess: its successor. */
function lossHint(context: ShardContext, replica: Replica): ReturnType<typeof leaderHint> {
  const hint = leaderHint(context, replica);
  const { self } = context.nodes;
  const { vote } = replica.raft.state;
  if (hint.leader !== undefined || vote === self) return hint;
  const leader = idOrNobody(context, vote);
  return { ...hint, leader, leaderAddress: leader && context.addresses[leader] };
}

function asStoreError(error: unknown): RaftError {
  return error instanceof RaftError
    ? error
    : new RaftError("ERR_STORE_FAILED", `The log store failed: ${String(error)}`, { cause: error });
}
