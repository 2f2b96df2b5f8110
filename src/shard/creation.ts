/**
 * Creation of a group on its members with one call. The creator draws an incarnation for every
 * member and sends all of them the same descriptor:
 *
 *   creator ── createReplica(members, incarnations) ──► member writes it to disk, answers "started"
 *           majority started: the group exists; the creator campaigns at once
 *           otherwise: removeReplica to all, the creator's own included, and the call fails
 *
 * A majority may have started all the same, without the creator hearing of it, and may have elected
 * a leader that serves clients. So a replica that has come to a term stays: no quorum that has ever
 * formed loses a member.
 *
 * A member that never got the request can join later only by a change of members: whether it is new
 * or has lost its disk cannot be told from here, and a replica that forgot its votes must not vote.
 */
import { RaftError, isNodeId, limits, nobody } from "../base/index.ts";
import type { GroupId, Incarnation, NodeId, Outcome } from "../base/index.ts";
import type { Descriptor, Member } from "../log/index.ts";
import { majorityOf } from "../raft/index.ts";
import { decodeCbor, encodeCbor } from "../wire/index.ts";
import type { ShardRequest, ShardResponse } from "../wire/index.ts";
import type { Settle, ShardContext } from "./context.ts";
import { decodeAnswer } from "./forward.ts";
import { addReplica, newGroup, removeReplica, storeDescriptor } from "./groups.ts";
import type { ControlCall } from "./mail-records.ts";
import type { Replica } from "./replica.ts";
import { requestOp } from "./requests.ts";
import type { PeerRequests } from "./requests.ts";

/** Which members run the group now. */
export interface GroupCreated {
  readonly started: readonly NodeId[];
  readonly notStarted: readonly NodeId[];
}

export interface CreationCallbacks {
  readonly done: (created: GroupCreated) => void;
  readonly failed: (error: RaftError) => void;
}

type CreateGroupCall = Extract<ControlCall, { kind: "createGroup" }>;

const empty = new Uint8Array(0);

export function createGroup(
  context: ShardContext,
  requests: PeerRequests,
  call: CreateGroupCall,
  callbacks: CreationCallbacks,
): void {
  if (context.replicas.has(call.group)) {
    callbacks.failed(groupExists(call.group));
    return;
  }
  if (context.storeFull !== undefined) {
    callbacks.failed(context.storeFull);
    return;
  }
  const creation = new GroupCreation(context, requests, call, callbacks);
  creation.begin();
}

class GroupCreation {
  private readonly context: ShardContext;
  private readonly requests: PeerRequests;
  private readonly call: CreateGroupCall;
  private readonly callbacks: CreationCallbacks;
  private readonly descriptor: Descriptor;
  private readonly started: NodeId[] = [];
  private readonly failures: Record<NodeId, string> = {};
  /** A member that failed may have started the group all the same. */
  private outcome: Outcome = "none";

  constructor(
    context: ShardContext,
    requests: PeerRequests,
    call: CreateGroupCall,
    callbacks: CreationCallbacks,
  ) {
    this.context = context;
    this.requests = requests;
    this.call = call;
    this.callbacks = callbacks;
    const { prng } = context.environment;
    this.descriptor = {
      group: call.group,
      members: call.members.map((node) => ({ node, incarnation: prng.incarnation() })),
      state: "running",
      reason: "",
    };
  }

  begin(): void {
    const { context, descriptor, call } = this;
    const self = context.environment.node;
    startNew(context, descriptor, {
      done: () => this.settle(self, startFailure(context, call.group)),
      failed: (error) => this.giveUp(self, error),
    });
    const payload = encodeCbor(
      descriptor.members.map(({ node, incarnation }) => [node, incarnation]),
    );
    for (const { node } of descriptor.members) {
      if (node === self) continue;
      this.requests.send({
        node,
        group: call.group,
        op: requestOp.createReplica,
        payload,
        timeoutMs: call.timeoutMs,
        idempotent: true,
        onResponse: (response) => this.settle(node, failureOf(response)),
        onFailure: (error) => this.giveUp(node, error),
      });
    }
  }

  private giveUp(node: NodeId, error: RaftError): void {
    if (error.outcome === "unknown") this.outcome = "unknown";
    this.settle(node, error.message);
  }

  private settle(node: NodeId, failure: string | undefined): void {
    if (failure === undefined) this.started.push(node);
    else this.failures[node] = failure;
    const { members } = this.descriptor;
    if (this.started.length + Object.keys(this.failures).length < members.length) return;
    if (this.started.length >= majorityOf(members.length)) this.succeed();
    else this.rollBack();
  }

  private succeed(): void {
    const { context, call } = this;
    const replica = context.replicas.get(call.group);
    // A member may have been elected while the last answers were awaited: it leads already.
    if (call.campaign && replica?.running === true && replica.raft.leader === nobody) {
      replica.raft.campaign();
      context.markDirty(replica);
    }
    this.callbacks.done({ started: this.started, notStarted: Object.keys(this.failures) });
  }

  private rollBack(): void {
    const { context, call, descriptor, failures } = this;
    const replica = context.replicas.get(call.group);
    const own = ownIncarnation(context, descriptor.members);
    if (replica !== undefined && replica.incarnation === own) {
      if (isUnused(replica)) removeReplica(context, replica, { done: ignore, failed: ignore });
      else this.outcome = "unknown";
    }
    for (const { node, incarnation } of descriptor.members) {
      if (node === context.environment.node) continue;
      this.requests.send({
        node,
        group: call.group,
        op: requestOp.removeReplica,
        payload: encodeCbor(incarnation),
        timeoutMs: call.timeoutMs,
        idempotent: true,
        onResponse: ignore,
        onFailure: ignore,
      });
    }
    const reasons = Object.entries(failures).map(([node, reason]) => `${node}: ${reason}`);
    this.callbacks.failed(
      new RaftError(
        "ERR_GROUP_CREATE_FAILED",
        `Group ${call.group} started on ${this.started.length} of ${descriptor.members.length} members, ` +
          `which is no majority: ${reasons.join("; ")}`,
        { outcome: this.outcome, details: { failures } },
      ),
    );
  }
}

function ignore(): void {
  // A removal is tried; a member that cannot be reached keeps a replica that nobody talks to.
}

/** It has neither voted nor heard a leader. */
function isUnused({ raft }: Replica): boolean {
  return raft.term === 0;
}

function groupExists(group: GroupId): RaftError {
  return new RaftError("ERR_GROUP_EXISTS", `Group ${group} exists on this node`);
}

function ownIncarnation(context: ShardContext, members: readonly Member[]): number | undefined {
  return members.find(({ node }) => node === context.environment.node)?.incarnation;
}

/**
 * Adds a new replica; it takes part at once, but its first commit writes the descriptor before or
 * with anything else.
 */
function startNew(context: ShardContext, asked: Descriptor, settle: Settle): Replica {
  const { nodes } = context;
  // With this shard's own texts for the nodes: thousands of groups name the same few.
  const members = asked.members.map(({ node, incarnation }) => {
    return { node: nodes.idOf(nodes.keyOf(node)), incarnation };
  });
  const descriptor = { ...asked, members };
  context.writeDescriptor({ put: descriptor, remove: undefined, ...settle });
  return addReplica(context, newGroup(descriptor));
}

/** Another node creates a group that this node is a member of. Asked again, it answers the same. */
export function takeCreateReplica(
  context: ShardContext,
  from: NodeId,
  request: ShardRequest,
): void {
  const { group } = request;
  const members = readMembers(decodeCbor(request.payload));
  const incarnation = members && ownIncarnation(context, members);
  if (members === undefined || incarnation === undefined) {
    respond(context, from, request, `the request does not name this node as a member`);
    return;
  }
  const settle: Settle = {
    done: () => respond(context, from, request, startFailure(context, group)),
    failed: (error) => respond(context, from, request, error.message),
  };
  const present = context.replicas.get(group);
  if (present === undefined && context.storeFull !== undefined) {
    respond(context, from, request, context.storeFull.message);
  } else if (present === undefined) {
    startNew(context, { group, members, state: "running", reason: "" }, settle);
  } else if (present.incarnation !== incarnation) {
    respond(context, from, request, groupExists(group).message);
  } else {
    // Perhaps its first commit is still under way: written once more, it is answered when that is
    // on disk.
    storeDescriptor(context, present, settle);
  }
}

/** A new replica whose state machine cannot be created is on disk, but it is nobody's member. */
function startFailure(context: ShardContext, group: GroupId): string | undefined {
  const replica = context.replicas.get(group);
  if (replica?.state !== "failed" && replica?.state !== "disabled") return undefined;
  return replica.failure?.reason ?? replica.descriptor.reason;
}

/** A creation failed elsewhere: takes back exactly the replica that it made. */
export function takeRemoveReplica(
  context: ShardContext,
  from: NodeId,
  request: ShardRequest,
): void {
  const replica = context.replicas.get(request.group);
  if (replica === undefined || replica.incarnation !== decodeCbor(request.payload)) {
    respond(context, from, request, undefined);
    return;
  }
  if (!isUnused(replica)) {
    respond(context, from, request, `group ${request.group} has elected a leader here`);
    return;
  }
  removeReplica(context, replica, {
    done: () => respond(context, from, request, undefined),
    failed: (error) => respond(context, from, request, error.message),
  });
}

function respond(
  context: ShardContext,
  node: NodeId,
  { id, group }: ShardRequest,
  failure: string | undefined,
): void {
  const payload = failure === undefined ? empty : encodeCbor(failure);
  const failed = failure !== undefined;
  context.outboxes.sendResponse(node, {
    kind: "shardResponse",
    id,
    group,
    failed,
    index: 0,
    payload,
  });
  context.schedule();
}

function failureOf(response: ShardResponse): string | undefined {
  if (!response.failed) return undefined;
  const reason = decodeAnswer(response.payload);
  return typeof reason === "string" ? reason : "refused";
}

function readMembers(value: unknown): Member[] | undefined {
  if (!Array.isArray(value) || value.length > limits.membersMax) return undefined;
  const members: Member[] = [];
  const pairs: readonly unknown[] = value;
  for (const pair of pairs) {
    if (!Array.isArray(pair)) return undefined;
    const [node, incarnation]: readonly unknown[] = pair;
    if (!isNodeId(node) || !isIncarnation(incarnation)) return undefined;
    members.push({ node, incarnation });
  }
  return new Set(members.map(({ node }) => node)).size === members.length ? members : undefined;
}

function isIncarnation(value: unknown): value is Incarnation {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
