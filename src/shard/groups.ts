/** The life of replicas on a shard: recovered, created, stopped, started, disabled, removed. */
import { RaftError, SmallMap, assert, messageOf, nobody, none } from "../base/index.ts";
import type { GroupId, NodeId, NodeKey, Outcome } from "../base/index.ts";
import type { Descriptor, DisableCause, RecoveredGroup } from "../log/index.ts";
import { Raft } from "../raft/index.ts";
import type { Block, RaftEnvironment } from "../raft/index.ts";
import { crc32c } from "../wire/index.ts";
import type { Settle, ShardContext } from "./context.ts";
import { failCalls } from "./fail-calls.ts";
import type { Failure } from "./failures.ts";
import { Replica } from "./replica.ts";
import { isMachine } from "./state-machine.ts";
import type { StateMachine } from "./state-machine.ts";

/** A replica that has never stored anything. */
export function newGroup(descriptor: Descriptor): RecoveredGroup {
  return {
    descriptor,
    ballot: { term: 0, vote: undefined },
    commit: 0,
    lastIndex: 0,
    terms: [],
  };
}

/** Puts a replica into its place from what the store holds of it. Does not write anything. */
export function addReplica(context: ShardContext, recovered: RecoveredGroup): Replica {
  const replica = placeReplica(context, recovered);
  if (replica.running) startMachine(context, replica);
  return replica;
}

/**
 * Puts a replica into its place that has ended the thread of its shard: it does not run before
 * somebody has mended that and says so, since it would end the thread again, and take the other
 * groups with it.
 */
export function holdReplica(
  context: ShardContext,
  recovered: RecoveredGroup,
  reason: string,
): Replica {
  const replica = placeReplica(context, recovered);
  if (!replica.running) return replica;
  const { group } = replica;
  replica.failure = { reason, pristine: true, retryAtMs: Number.POSITIVE_INFINITY };
  context.replies.event({ kind: "groupFailed", group, reason, retryInMs: undefined });
  return replica;
}

function placeReplica(context: ShardContext, recovered: RecoveredGroup): Replica {
  const { descriptor, ballot } = recovered;
  const { nodes, options } = context;
  const { group } = descriptor;
  context.inHand.take(group);
  const incarnations = new SmallMap(
    descriptor.members.map(({ node, incarnation }) => [nodes.keyOf(node), incarnation]),
  );
  const raftEnvironment: RaftEnvironment = {
    reader: { read: (from, bytesMax) => readLog(context, group, from, bytesMax) },
    checksum: crc32c,
    random: context.random,
    // Drawn at random when the group was created, and known to all its members.
    rankOf: (member) => incarnations.get(member) ?? 0,
    tails: context.tails,
  };
  const raft = new Raft(
    {
      self: nodes.self,
      configuration: { voters: incarnations.keys, votersOutgoing: none, learners: none },
      hardState: {
        term: ballot.term,
        vote: ballot.vote === undefined ? nobody : nodes.keyOf(ballot.vote),
        commit: recovered.commit,
      },
      lastIndex: recovered.lastIndex,
      terms: recovered.terms,
    },
    options,
    raftEnvironment,
  );
  const replica = new Replica(descriptor, incarnations, nodes.self, {
    raft,
    machine: undefined,
  });
  context.replicas.set(group, replica);
  return replica;
}

function startMachine(context: ShardContext, replica: Replica): void {
  const { environment } = context;
  const { group } = replica;
  replica.failure = undefined;
  context.inHand.take(group);
  try {
    replica.machine = checkMachine(
      environment.createStateMachine({ group, node: environment.node }),
    );
  } catch (error) {
    // Perhaps a bad deploy, or no file descriptors: it says nothing about what the disk holds.
    fail(context, replica, {
      reason: `its state machine cannot be created: ${messageOf(error)}`,
      pristine: true,
    });
    return;
  }
  context.markApplying(replica);
  context.markDirty(replica);
  context.replies.event({
    kind: "groupStarted",
    group,
    members: membersOf(replica.descriptor),
  });
}

function checkMachine(machine: Partial<StateMachine> | null | undefined): StateMachine {
  if (isMachine(machine)) return machine;
  throw new TypeError("createStateMachine must return an object with apply() and query()");
}

export function membersOf({ members }: Descriptor): NodeId[] {
  return members.map(({ node }) => node);
}

/** What the algorithm reads of its log; a store of the embedder's own may throw anything. */
function readLog(
  { environment }: ShardContext,
  group: GroupId,
  from: number,
  bytesMax: number,
): readonly Block[] {
  try {
    return environment.store.read(group, from, bytesMax);
  } catch (cause) {
    if (cause instanceof RaftError) throw cause;
    const message = `The log of group ${group} cannot be read: ${messageOf(cause)}`;
    throw new RaftError("ERR_STORE_FAILED", message, { outcome: "none", cause });
  }
}

/** Ends a replica, and not the shard, for what it met on its way. */
export function endFor(context: ShardContext, replica: Replica, error: RaftError): void {
  if (replica.running) context.handovers.abdicate(replica);
  const cause = causeOf(error);
  if (cause !== undefined) disable(context, replica, error.message, cause);
  else fail(context, replica, { reason: error.message, pristine: false });
}

/** What an error proves; undefined for one that another try may not meet. */
function causeOf({ code }: RaftError): DisableCause | undefined {
  switch (code) {
    case "ERR_GROUP_DISABLED":
      return "contradiction";
    case "ERR_STORE_CORRUPT":
      return "damage";
    case "ERR_APPLY_FAILED":
      return "applyError";
    default:
      return undefined;
  }
}

/**
 * Takes a replica out of its group for good. The reason is kept on disk, and it comes back disabled
 * after a restart.
 */
function disable(
  context: ShardContext,
  replica: Replica,
  reason: string,
  cause: DisableCause,
): void {
  const { state, cause: before } = replica.descriptor;
  // What an exception has disabled may be enabled again, unless something else is found besides.
  if (state === "disabled" && (before !== "applyError" || cause === "applyError")) return;
  forgetFailure(context, replica);
  replica.descriptor = { ...replica.descriptor, state: "disabled", reason, cause };
  leaveGroup(context, replica);
  failCalls(context, replica, (outcome) => groupDisabled(replica, outcome));
  storeDescriptor(context, replica, { done: ignore, failed: ignore });
  context.replies.event({ kind: "groupDisabled", group: replica.group, reason });
}

export function groupDisabled(replica: Replica, outcome: Outcome = "none"): RaftError {
  const { reason } = replica.descriptor;
  return new RaftError("ERR_GROUP_DISABLED", `Group ${replica.group} is disabled here: ${reason}`, {
    outcome,
    details: { reason },
  });
}

/**
 * Takes a replica out of its group until it is tried again. Nothing of it is written: what its disk
 * holds is as sound as before.
 */
function fail(
  context: ShardContext,
  replica: Replica,
  { reason, pristine }: Pick<Failure, "reason" | "pristine">,
): void {
  if (!replica.running) return;
  const nowMs = context.environment.clock.monotonicMs();
  const retryAtMs = context.failures.note(replica.group, nowMs);
  const failure = { reason, pristine, retryAtMs };
  replica.failure = failure;
  leaveGroup(context, replica);
  failCalls(context, replica, (outcome) => groupFailed(context, replica, outcome));
  const { group } = replica;
  const { replies } = context;
  replies.event({ kind: "groupFailed", group, reason, retryInMs: retryInMs(context, failure) });
}

/** How long until a failed replica is tried again; undefined where it is not by itself. */
export function retryInMs({ environment }: ShardContext, failure: Failure): number | undefined {
  const leftMs = failure.retryAtMs - environment.clock.monotonicMs();
  return Number.isFinite(leftMs) ? Math.max(0, Math.ceil(leftMs)) : undefined;
}

export function groupFailed(
  context: ShardContext,
  replica: Replica,
  outcome: Outcome = "none",
): RaftError {
  const { failure, group } = replica;
  const reason = failure?.reason ?? "";
  return new RaftError("ERR_GROUP_FAILED", `Group ${group} cannot run here now: ${reason}`, {
    outcome,
    details: { reason, retryInMs: failure && retryInMs(context, failure) },
  });
}

/** Tries those replicas again whose pause is over. */
export function retryFailed(context: ShardContext): void {
  const { failures, replicas, environment } = context;
  for (const group of failures.takeDue(environment.clock.monotonicMs())) {
    const replica = replicas.get(group);
    if (replica?.state === "failed" && replica.starting === undefined) {
      retryReplica(context, replica, { done: ignore, failed: ignore });
    }
  }
}

/**
 * Tries a failed replica again. One that has never run is what was recovered, and lacks only its
 * machine; any other starts anew from its disk.
 */
export function retryReplica(context: ShardContext, failed: Replica, settle: Settle): void {
  assert(failed.failure !== undefined, "a failed replica is tried again");
  if (!failed.failure.pristine) {
    startReplica(context, failed, settle);
    return;
  }
  startMachine(context, failed);
  takePart(context, failed);
  settleRunning(context, failed, settle);
}

/** Answers a call that is to make a replica run, by whether it does. */
function settleRunning(context: ShardContext, replica: Replica, settle: Settle): void {
  if (replica.state === "failed") settle.failed(groupFailed(context, replica, "unknown"));
  else storeDescriptor(context, replica, settle);
}

/** Lets a replica take part again that the option `applyError` has disabled. */
export function enableReplica(context: ShardContext, replica: Replica, settle: Settle): void {
  const { cause, reason } = replica.descriptor;
  if (cause === "applyError") {
    startReplica(context, replica, settle);
    return;
  }
  // With holes in its log or votes forgotten it would acknowledge what it does not hold.
  const message = `Group ${replica.group} cannot be enabled here, since what this replica holds cannot be trusted: ${reason}`;
  settle.failed(new RaftError("ERR_GROUP_DISABLED", message, { details: { reason } }));
}

function forgetFailure(context: ShardContext, replica: Replica): void {
  replica.failure = undefined;
  context.failures.forget(replica.group);
}

export function groupStopped(replica: Replica, outcome: Outcome = "none"): RaftError {
  return new RaftError("ERR_GROUP_STOPPED", `Group ${replica.group} is stopped here`, { outcome });
}

/** Stops a replica; `done` when that is durable. */
export function stopReplica(context: ShardContext, replica: Replica, settle: Settle): void {
  forgetFailure(context, replica);
  replica.starting = undefined;
  replica.descriptor = { ...replica.descriptor, state: "stopped", reason: "" };
  leaveGroup(context, replica);
  failCalls(context, replica, (outcome) => groupStopped(replica, outcome));
  storeDescriptor(context, replica, settle);
  context.replies.event({ kind: "groupStopped", group: replica.group });
}

/** The only voter of a group leads as soon as it runs. */
export function campaignAlone(context: ShardContext, replica: Replica): void {
  if (replica.running && replica.raft.campaignAlone()) context.markDirty(replica);
}

/**
 * A replica that runs again asks for a leader at once: if there is one, and it has parked without
 * this replica, the question wakes it.
 */
function takePart(context: ShardContext, replica: Replica): void {
  if (replica.running && replica.raft.campaign()) context.markDirty(replica);
}

/**
 * Runs a stopped replica again, with a new state machine that the whole log is applied to. It takes
 * part when the commit that says so is durable: commits become durable in order, so all that the
 * store was given before is durable, too. Earlier, an entry or a term that is in flight would pass
 * for one on disk, and the replica would answer its leader in a term that a power cut takes away.
 */
export function startReplica(context: ShardContext, stopped: Replica, settle: Settle): void {
  const { group, members } = stopped.descriptor;
  const descriptor: Descriptor = { group, members, state: "running", reason: "" };
  stopped.starting = descriptor;
  const done = (): void => {
    // A stop, a removal or another start may have come since.
    const current = context.replicas.get(stopped.group) === stopped;
    if (!current || stopped.starting !== descriptor) {
      settle.done();
      return;
    }
    const replica = addReplica(context, handedOver(stopped));
    takePart(context, replica);
    if (replica.state === "failed") settle.failed(groupFailed(context, replica, "unknown"));
    else settle.done();
  };
  context.writeDescriptor({ put: descriptor, remove: undefined, done, failed: settle.failed });

  function handedOver({ raft }: Replica): RecoveredGroup {
    const { handedTerm: term, handedVote, log } = raft.state;
    return {
      descriptor,
      ballot: { term, vote: idOrNobody(context, handedVote) },
      commit: Math.min(log.committed, log.handed),
      lastIndex: log.handed,
      terms: log.terms.toArray().filter(({ first }) => first <= log.handed),
    };
  }
}

/** Stops a replica that is not running from starting, and makes that durable. */
export function keepStopped(context: ShardContext, replica: Replica, settle: Settle): void {
  replica.starting = undefined;
  storeDescriptor(context, replica, settle);
}

/**
 * Makes what a replica is now durable. Of use where nothing has changed, too: another call's write
 * may be in flight, and a replica that was not recovered is stopped here and running on disk.
 */
export function storeDescriptor(context: ShardContext, replica: Replica, settle: Settle): void {
  context.writeDescriptor({ put: replica.descriptor, remove: undefined, ...settle });
}

export function removeReplica(context: ShardContext, replica: Replica, settle: Settle): void {
  const { group } = replica;
  assert(context.replicas.get(group) === replica, "the group's present replica is removed");
  forgetFailure(context, replica);
  replica.descriptor = { ...replica.descriptor, state: "stopped", reason: "" };
  leaveGroup(context, replica);
  failCalls(context, replica, (outcome) => groupNotFound(group, outcome));
  context.replicas.delete(group);
  context.writeDescriptor({ put: undefined, remove: group, ...settle });
  context.replies.event({ kind: "groupRemoved", group });
}

/** Takes a replica away, so that one of another creation of its group can have its place. */
export function replaceReplica(context: ShardContext, replica: Replica): void {
  const { group } = replica;
  forgetFailure(context, replica);
  replica.starting = undefined;
  replica.descriptor = { ...replica.descriptor, state: "stopped", reason: "" };
  endMachine(context, replica);
  failCalls(context, replica, (outcome) => groupStopped(replica, outcome));
  context.writeDescriptor({ put: undefined, remove: group, done: ignore, failed: ignore });
  context.replies.event({ kind: "groupStopped", group });
}

export function groupExists(group: GroupId): RaftError {
  const message = `Group ${group} exists on this node with other members`;
  return new RaftError("ERR_GROUP_EXISTS", message);
}

export function groupNotFound(group: GroupId, outcome: Outcome = "none"): RaftError {
  return new RaftError("ERR_GROUP_NOT_FOUND", `This node has no replica of group ${group}`, {
    outcome,
  });
}

export function idOrNobody(context: ShardContext, key: NodeKey): NodeId | undefined {
  return key === nobody ? undefined : context.nodes.idOf(key);
}

/** A replica does not run any more: its followers must hear of it if it led them. */
function leaveGroup(context: ShardContext, replica: Replica): void {
  endMachine(context, replica);
  context.ticks.noteLeadership(replica);
}

/**
 * Frees what a replica holds. The state machine's `close` is the user's: what it throws must not
 * take the shard with it.
 */
export function endMachine({ inHand }: ShardContext, replica: Replica): void {
  const machine: StateMachine | undefined = replica.machine;
  replica.machine = undefined;
  replica.raft.state.log.release();
  inHand.take(replica.group);
  try {
    machine?.close?.();
  } catch {
    // The replica is on its way out; there is nobody left whom the exception could concern.
  }
}

function ignore(): void {
  // A failed store ends the whole shard; there is nothing more to do for one descriptor.
}
