/**
 * A creation of a group as one node tells another of it, and which of two creations of the same
 * group on the same nodes goes on, where several nodes have begun one:
 *
 *   established   an entry of it is committed; no other creation can ever commit any
 *   elected       this replica holds an entry, so it has had a leader
 *   empty         nothing is in this replica's log; of two the smaller number goes on
 *
 * A replica leaves its creation for another one only with an empty log, or for an established one.
 * What is committed lies on a majority, each with an entry of that creation; two majorities share a
 * member, and it had an entry of one creation before it could get one of the other. So one creation
 * at most commits anything. The votes that it gave are not forgotten: see `Raft.abstainThrough`.
 *
 * A member is named with the data directory that was first asked. Only there may its replica be
 * made: under another one its node has lost its disk, and with it what the replica has promised.
 */
import { isNodeId, limits } from "../base/index.ts";
import type { Incarnation, NodeId, Term } from "../base/index.ts";
import type { Member } from "../log/index.ts";
import { decodeCbor, encodeCbor } from "../wire/index.ts";
import type { Replica } from "./replica.ts";

/** Part of the protocol. */
export const offerLevel = { empty: 0, elected: 1, established: 2 } as const;

export interface Offer {
  readonly level: number;
  /** Of the replica that tells of it: a member that joins later votes in no term up to it. */
  readonly term: Term;
  /** The first one is the node that has begun the creation. */
  readonly members: readonly Member[];
}

/** Why a node did not make a replica. */
export interface Refusal {
  readonly reason: string;
  /** The creation was taken back. */
  readonly withdrawn: boolean;
  /** Another try may succeed: the node's log is full. */
  readonly later?: boolean | undefined;
  /** The other creation of the group that it has. */
  readonly rival: Offer | undefined;
}

const withdrawnMark = "withdrawn";
const laterMark = "later";

export function offerOf({ raft, descriptor, binding }: Replica): Offer {
  const members =
    binding === undefined
      ? descriptor.members
      : descriptor.members.map(({ node, incarnation, directory }) => {
          const told = binding.has(node) ? undefined : directory;
          return { node, incarnation, ...(told !== undefined && { directory: told }) };
        });
  return { level: levelOf(raft.state.log), term: raft.term, members };
}

/** Whether it is durable which data directory of a member is asked. */
export function isBound({ binding }: Replica, { node, directory }: Member): boolean {
  return directory !== undefined && binding?.has(node) !== true;
}

function levelOf({ committed, lastIndex }: { committed: number; lastIndex: number }): number {
  if (committed > 0) return offerLevel.established;
  return lastIndex > 0 ? offerLevel.elected : offerLevel.empty;
}

/** Whether a replica leaves its creation for the one offered. */
export function movesFor(replica: Replica, offer: Offer): boolean {
  const { descriptor, raft } = replica;
  if (descriptor.state !== "running" || !isSameGroup(replica, offer)) return false;
  const level = levelOf(raft.state.log);
  if (offer.level === offerLevel.established) return level < offerLevel.established;
  if (level > offerLevel.empty) return false;
  if (offer.level > offerLevel.empty) return true;
  return numberOf(offer.members) < numberOf(descriptor.members);
}

/** Whether a replica and an offer are of a group with the same members. */
export function isSameGroup({ descriptor }: Replica, { members }: Offer): boolean {
  return sameNodes(
    descriptor.members,
    members.map(({ node }) => node),
  );
}

/** Of a creation: the incarnation of the node that is first by name. */
function numberOf(members: readonly Member[]): Incarnation {
  const [first] = members.toSorted((a, b) => (a.node < b.node ? -1 : 1));
  return first?.incarnation ?? 0;
}

/** Whether these are the members, in whichever order. */
export function sameNodes(members: readonly Member[], nodes: readonly NodeId[]): boolean {
  const names = new Set(nodes);
  return names.size === members.length && members.every(({ node }) => names.has(node));
}

export function memberOf(members: readonly Member[], node: NodeId): Member | undefined {
  return members.find((member) => member.node === node);
}

export function encodeOffer(offer: Offer): Uint8Array {
  return encodeCbor(cellsOf(offer));
}

/** Undefined for what is no offer. @throws ERR_FRAME_INVALID */
export function decodeOffer(payload: Uint8Array): Offer | undefined {
  return asOffer(decodeCbor(payload));
}

export function encodeRefusal({ reason, withdrawn, later, rival }: Refusal): Uint8Array {
  if (withdrawn) return encodeCbor([reason, withdrawnMark]);
  if (later === true) return encodeCbor([reason, laterMark]);
  return encodeCbor(rival === undefined ? [reason] : [reason, cellsOf(rival)]);
}

/** Whatever a peer answered. @param value as decoded; undefined if it was no CBOR */
export function asRefusal(value: unknown): Refusal {
  const [reason, more]: readonly unknown[] = Array.isArray(value) ? value : [];
  return {
    reason: typeof reason === "string" ? reason : "refused",
    withdrawn: more === withdrawnMark,
    later: more === laterMark,
    rival: asOffer(more),
  };
}

function cellsOf({ level, term, members }: Offer): unknown[] {
  const cells = members.map(({ node, incarnation, directory }) => {
    return [node, incarnation, directory ?? 0];
  });
  return [level, term, cells];
}

/** Whatever a peer sent; undefined for what is no offer. */
export function asOffer(value: unknown): Offer | undefined {
  if (!Array.isArray(value)) return undefined;
  const [level, term, cells]: readonly unknown[] = value;
  if (!isCount(level) || level > offerLevel.established || !isCount(term)) return undefined;
  const members = asMembers(cells);
  return members && { level, term, members };
}

function asMembers(value: unknown): Member[] | undefined {
  if (!Array.isArray(value) || value.length > limits.membersMax) return undefined;
  const members: Member[] = [];
  const triples: readonly unknown[] = value;
  for (const triple of triples) {
    if (!Array.isArray(triple)) return undefined;
    const [node, incarnation, directory]: readonly unknown[] = triple;
    if (!isNodeId(node) || !isCount(incarnation) || incarnation === 0) return undefined;
    if (!isCount(directory)) return undefined;
    members.push({ node, incarnation, ...(directory > 0 && { directory }) });
  }
  return new Set(members.map(({ node }) => node)).size === members.length ? members : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
