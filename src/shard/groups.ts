/** The life of replicas on a shard: recovered, created, stopped, started, disabled, removed. */
import { RaftError, SmallMap, messageOf, nobody, none } from "../base/index.ts";
import type { GroupId, NodeId, NodeKey, Outcome } from "../base/index.ts";
import type { Descriptor, RecoveredGroup } from "../log/index.ts";
import { Raft } from "../raft/index.ts";
import type { RaftEnvironment } from "../raft/index.ts";
import { crc32c } from "../wire/index.ts";
import type { Settle, ShardContext } from "./context.ts";
import { failCalls } from "./fail-calls.ts";
import { Replica } from "./replica.ts";
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
  const { descriptor, ballot } = recovered;
  const { environment, nodes, options } = context;
  const { group } = descriptor;
  const incarnations = new SmallMap(
    descriptor.members.map(({ node, incarnation }) => [nodes.keyOf(node), incarnation]),
  );
  const raftEnvironment: RaftEnvironment = {
    reader: { read: (from, bytesMax) => environment.store.read(group, from, bytesMax) },
    checksum: crc32c,
    random: context.random,
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
  const nowMs = environment.clock.monotonicMs();
  const replica = new Replica(descriptor, incarnations, nodes.self, {
    raft,
    machine: undefined,
    nowMs,
  });
  context.replicas.set(group, replica);
  if (replica.running) startMachine(context, replica);
  return replica;
}

function startMachine(context: ShardContext, replica: Replica): void {
  const { environment } = context;
  try {
    const { group } = replica;
    replica.machine = checkMachine(
      environment.createStateMachine({ group, node: environment.node }),
    );
  } catch (error) {
    disable(context, replica, `its state machine cannot be created: ${messageOf(error)}`);
    return;
  }
  context.markApplying(replica);
  context.markDirty(replica);
  context.replies.event({
    kind: "groupStarted",
    group: replica.group,
    members: membersOf(replica.descriptor),
  });
}

/**
 * What the user's function returned, if calls can be served with it: an async function, for one,
 * returns a promise.
 */
function checkMachine(machine: Partial<StateMachine> | null | undefined): StateMachine {
  if (isMachine(machine)) return machine;
  throw new TypeError("createStateMachine returned no object with apply and query");
}

function isMachine(machine: Partial<StateMachine> | null | undefined): machine is StateMachine {
  return typeof machine?.apply === "function" && typeof machine.query === "function";
}

export function membersOf({ members }: Descriptor): NodeId[] {
  return members.map(({ node }) => node);
}

/**
 * Takes a replica out of its group for good: what it holds cannot be trusted, so it must neither
 * vote nor acknowledge. The reason is kept on disk, and it comes back disabled after a restart.
 */
export function disable(context: ShardContext, replica: Replica, reason: string): void {
  if (replica.descriptor.state === "disabled") return;
  replica.descriptor = { ...replica.descriptor, state: "disabled", reason };
  endMachine(replica);
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

export function groupStopped(replica: Replica, outcome: Outcome = "none"): RaftError {
  return new RaftError("ERR_GROUP_STOPPED", `Group ${replica.group} is stopped here`, { outcome });
}

/** Stops a replica; `done` when that is durable. */
export function stopReplica(context: ShardContext, replica: Replica, settle: Settle): void {
  replica.descriptor = { ...replica.descriptor, state: "stopped", reason: "" };
  endMachine(replica);
  failCalls(context, replica, (outcome) => groupStopped(replica, outcome));
  storeDescriptor(context, replica, settle);
  context.replies.event({ kind: "groupStopped", group: replica.group });
}

/** The only voter of a group leads as soon as it runs. */
export function campaignAlone(context: ShardContext, replica: Replica): void {
  if (replica.running && replica.raft.campaignAlone()) context.markDirty(replica);
}

/**
 * Runs a stopped replica again, with a new state machine that the whole log is applied to. It takes
 * part when the commit that says so is durable: commits become durable in order, so all that the
 * store was given before is durable, too. Earlier, an entry or a term that is in flight would pass
 * for one on disk, and the replica would answer its leader in a term that a power cut takes away.
 */
export function startReplica(context: ShardContext, stopped: Replica, settle: Settle): void {
  const descriptor: Descriptor = { ...stopped.descriptor, state: "running", reason: "" };
  stopped.starting = descriptor;
  const done = (): void => {
    // A stop, a removal or another start may have come since.
    const current = context.replicas.get(stopped.group) === stopped;
    if (current && stopped.starting === descriptor) {
      campaignAlone(context, addReplica(context, handedOver(stopped)));
    }
    settle.done();
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
 * may be under way, and a replica that was not recovered is stopped here and running on disk.
 */
export function storeDescriptor(context: ShardContext, replica: Replica, settle: Settle): void {
  context.writeDescriptor({ put: replica.descriptor, remove: undefined, ...settle });
}

export function removeReplica(context: ShardContext, replica: Replica, settle: Settle): void {
  replica.descriptor = { ...replica.descriptor, state: "stopped", reason: "" };
  endMachine(replica);
  failCalls(context, replica, (outcome) => groupNotFound(replica.group, outcome));
  context.replicas.delete(replica.group);
  context.writeDescriptor({ put: undefined, remove: replica.group, ...settle });
  context.replies.event({ kind: "groupRemoved", group: replica.group });
}

export function groupNotFound(group: GroupId, outcome: Outcome = "none"): RaftError {
  return new RaftError("ERR_GROUP_NOT_FOUND", `This node has no replica of group ${group}`, {
    outcome,
  });
}

export function idOrNobody(context: ShardContext, key: NodeKey): NodeId | undefined {
  return key === nobody ? undefined : context.nodes.idOf(key);
}

/** The state machine's `close` is the user's: what it throws must not take the shard with it. */
export function endMachine(replica: Replica): void {
  const machine: StateMachine | undefined = replica.machine;
  replica.machine = undefined;
  try {
    machine?.close?.();
  } catch {
    // The replica is on its way out; there is nobody left whom the exception could concern.
  }
}

function ignore(): void {
  // A failed store ends the whole shard; there is nothing more to do for one descriptor.
}
