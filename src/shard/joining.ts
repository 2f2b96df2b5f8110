/**
 * How a node gets its replica of a group, asked by the node that creates the group or later by a
 * member (invitations.ts), and how it loses one again, if the creation is taken back or gives way
 * to another.
 */
import { RaftError, limits } from "../base/index.ts";
import type { Incarnation, NodeId } from "../base/index.ts";
import type { Descriptor } from "../log/index.ts";
import { decodeCbor } from "../wire/index.ts";
import type { ShardRequest, ShardResponse } from "../wire/index.ts";
import type { Settle, ShardContext } from "./context.ts";
import {
  asOffer,
  asRefusal,
  decodeOffer,
  encodeOffer,
  encodeRefusal,
  isSameGroup,
  memberOf,
  movesFor,
  offerLevel,
  offerOf,
} from "./creation-offer.ts";
import type { Offer, Refusal } from "./creation-offer.ts";
import { decodeAnswer } from "./forward.ts";
import {
  addReplica,
  groupExists,
  newGroup,
  removeReplica,
  replaceReplica,
  storeDescriptor,
} from "./groups.ts";
import type { Replica } from "./replica.ts";

const empty = new Uint8Array(0);

/** Why this shard cannot take a new replica with these members. */
export function startFault(
  { nodes, storeFull }: ShardContext,
  members: readonly NodeId[],
): RaftError | undefined {
  if (storeFull !== undefined || nodes.admits(members)) return storeFull;
  const message = `A shard knows at most ${limits.nodesMax} nodes; the members are more`;
  return new RaftError("ERR_BUSY", message);
}

/**
 * Adds a new replica; it takes part at once, but its first commit writes the descriptor before or
 * with anything else.
 */
export function startNew(context: ShardContext, asked: Descriptor, offer: Offer): Replica {
  const { nodes } = context;
  // With this shard's own texts for the nodes: thousands of groups name the same few.
  const members = offer.members.map((member) => {
    return { ...member, node: nodes.idOf(nodes.keyOf(member.node)) };
  });
  const descriptor = { ...asked, members };
  const replica = addReplica(context, newGroup(descriptor));
  replica.raft.abstainThrough(offer.term);
  if (replica.raft.hasReady) context.markDirty(replica);
  return replica;
}

/**
 * Whether a replica was made in this turn with votes that are not on disk (`abstainThrough`). Also
 * if it was stopped since, or cannot run, they are written with its descriptor: the commit deletes
 * the replica that gave them.
 */
export function owesBallot({ replicas }: ShardContext, replica: Replica): boolean {
  const { term, handedTerm, log } = replica.raft.state;
  return term !== handedTerm && log.lastIndex === 0 && replicas.get(replica.group) === replica;
}

/** A node asks this one for its replica. Asked again, it answers the same. */
export function takeCreateReplica(
  context: ShardContext,
  from: NodeId,
  request: ShardRequest,
): void {
  const { group } = request;
  const { environment, withdrawn } = context;
  const refuse = (reason: string, more: Partial<Refusal> = {}): void => {
    const refusal = { reason, withdrawn: false, rival: undefined, ...more };
    respond(context, from, request, refusal);
  };
  const offer = decodeOffer(request.payload);
  const own = offer && memberOf(offer.members, environment.node);
  if (offer === undefined || own === undefined) {
    refuse("the request does not name this node as a member");
    return;
  }
  if (own.directory !== environment.incarnation) {
    refuse("it was asked under another data directory, and has lost that one");
    return;
  }
  const settle: Settle = {
    done: () => {
      const failure = startFailure(context, group);
      const replica = context.replicas.get(group);
      // With what is durable here of whom the creator has asked: see `learnDirectories`.
      if (failure === undefined) respond(context, from, request, replica && offerOf(replica));
      else refuse(failure);
    },
    failed: (error) => refuse(error.message),
  };
  const present = context.replicas.get(group);
  if (present === undefined) {
    if (offer.level === offerLevel.empty && withdrawn.has(own.incarnation)) {
      refuse("the creation was taken back", { withdrawn: true });
      return;
    }
    const members = offer.members.map(({ node }) => node);
    const fault = startFault(context, members);
    if (fault === undefined) join(context, group, offer, settle);
    else refuse(fault.message, { later: true });
  } else if (present.incarnation === own.incarnation) {
    // Perhaps its first commit is in flight: written once more, it is answered when that is there.
    storeDescriptor(context, present, settle);
  } else if (movesFor(present, offer)) move(context, present, offer, settle);
  else {
    const rival = isSameGroup(present, offer) ? offerOf(present) : undefined;
    refuse(groupExists(group).message, { rival });
  }
}

function join(context: ShardContext, group: number, offer: Offer, settle: Settle): Replica {
  const asked: Descriptor = { group, members: offer.members, state: "running", reason: "" };
  const replica = startNew(context, asked, offer);
  storeDescriptor(context, replica, settle);
  return replica;
}

/**
 * Leaves a creation for another. The votes that it gave, in whichever, are not given again, so a
 * replica that comes back to a creation contradicts nothing that it has said in it.
 */
function move(context: ShardContext, present: Replica, offer: Offer, settle: Settle): void {
  const term = Math.max(present.raft.term, offer.term);
  replaceReplica(context, present);
  join(context, present.group, { ...offer, term }, settle);
}

/** Follows another creation that a refusal tells of, if it goes on rather than this replica's. */
export function followRival(context: ShardContext, replica: Replica, rival: Offer): boolean {
  const { environment } = context;
  const own = memberOf(rival.members, environment.node);
  if (own === undefined || own.directory !== environment.incarnation) return false;
  if (!movesFor(replica, rival)) return false;
  move(context, replica, rival, { done: ignore, failed: ignore });
  return true;
}

/** A replica whose state machine cannot be created is on disk, but it is nobody's member yet. */
export function startFailure(context: ShardContext, group: number): string | undefined {
  const replica = context.replicas.get(group);
  if (replica === undefined || replica.running) return undefined;
  const reason = replica.failure?.reason ?? replica.descriptor.reason;
  return reason === "" ? `it is ${replica.state} there` : reason;
}

/** A creation failed elsewhere: takes back exactly the replica that it made. */
export function takeRemoveReplica(
  context: ShardContext,
  from: NodeId,
  request: ShardRequest,
): void {
  const incarnation = decodeCbor(request.payload);
  if (typeof incarnation === "number") withdraw(context, incarnation);
  const replica = context.replicas.get(request.group);
  if (replica === undefined || replica.incarnation !== incarnation) {
    respond(context, from, request);
    return;
  }
  const refuse = (reason: string): void => {
    respond(context, from, request, { reason, withdrawn: false, rival: undefined });
  };
  if (!isUnused(replica)) {
    refuse(`group ${request.group} has elected a leader here`);
    return;
  }
  removeReplica(context, replica, {
    done: () => respond(context, from, request),
    failed: (error) => refuse(error.message),
  });
}

/**
 * A request to create the replica may be left in an old connection and read only after this. What
 * such a connection holds is read within the life of this shard, so it is enough to remember it.
 */
export function withdraw({ withdrawn }: ShardContext, incarnation: Incarnation): void {
  withdrawn.delete(incarnation);
  withdrawn.add(incarnation);
  if (withdrawn.size <= limits.withdrawnMax) return;
  for (const oldest of withdrawn) {
    withdrawn.delete(oldest);
    break;
  }
}

/** It has neither voted nor heard a leader. */
export function isUnused({ raft }: Replica): boolean {
  return raft.term === 0;
}

/** Whether this node has begun the creation: it alone may name the directory of a member. */
export function isCreator({ environment }: ShardContext, { descriptor }: Replica): boolean {
  return descriptor.members[0]?.node === environment.node;
}

/**
 * Notes the data directory of a member that is reached for the first time; `done` when durable. If
 * it were asked earlier, this node could crash, forget which directory it was, and later ask
 * another one of a node that has lost its disk.
 */
export function bindMember(
  context: ShardContext,
  replica: Replica,
  node: NodeId,
  done: () => void,
): boolean {
  const waiting = replica.binding?.get(node);
  if (waiting !== undefined) {
    waiting.push(done);
    return true;
  }
  const link = context.environment.transport.link(node, replica.group);
  const directory = link?.up === true ? link.incarnation : undefined;
  if (directory === undefined || !isCreator(context, replica)) return false;
  const members = replica.descriptor.members.map((member) =>
    member.node === node ? { ...member, directory } : member,
  );
  replica.descriptor = { ...replica.descriptor, members };
  const binding = (replica.binding ??= new Map<NodeId, (() => void)[]>());
  binding.set(node, [done]);
  const durable = (): void => {
    const told = binding.get(node) ?? [];
    binding.delete(node);
    for (const tell of told) tell();
  };
  storeDescriptor(context, replica, { done: durable, failed: ignore });
  return true;
}

/**
 * Takes over which data directories the creator has asked, as it tells: then this replica may ask
 * those members again, too.
 */
export function learnDirectories(
  context: ShardContext,
  replica: Replica,
  response: ShardResponse,
): void {
  const told = asOffer(decodeAnswer(response.payload))?.members ?? [];
  const { members } = replica.descriptor;
  const learnt = members.map((member) => {
    const same = told.find(({ incarnation }) => incarnation === member.incarnation);
    return member.directory === undefined && same?.node === member.node ? same : member;
  });
  if (learnt.every((member, at) => member === members[at])) return;
  replica.descriptor = { ...replica.descriptor, members: learnt };
  storeDescriptor(context, replica, { done: ignore, failed: ignore });
}

export function refusalIn(response: ShardResponse): Refusal {
  return asRefusal(decodeAnswer(response.payload));
}

function encodeAnswer(answer: Refusal | Offer): Uint8Array {
  return "reason" in answer ? encodeRefusal(answer) : encodeOffer(answer);
}

function respond(
  context: ShardContext,
  node: NodeId,
  { id, group }: ShardRequest,
  answer?: Refusal | Offer,
): void {
  const failed = answer !== undefined && "reason" in answer;
  const payload = answer === undefined ? empty : encodeAnswer(answer);
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

function ignore(): void {
  // It is asked again when it is missed again.
}
