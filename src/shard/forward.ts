/** Calls for a group that another node leads: sent to the leader's shard, and taken from there. */
import { RaftError, errorFromWire, nobody } from "../base/index.ts";
import type { ErrorDetails, Index, NodeId, NodeKey, WireError } from "../base/index.ts";
import { countEntries, entryHeaderBytes } from "../raft/index.ts";
import { decodeCbor } from "../wire/index.ts";
import type { ShardRequest, ShardResponse } from "../wire/index.ts";
import { callOverheadBytes } from "./byte-budget.ts";
import type { ShardContext } from "./context.ts";
import { groupDisabled, groupFailed, groupNotFound, groupStopped, idOrNobody } from "./groups.ts";
import { describeFaults, memberFaults } from "./link-faults.ts";
import type { IncomingProposal } from "./proposals.ts";
import type { Replica } from "./replica.ts";
import type { ReplyTo } from "./replies.ts";
import { requestOp } from "./requests.ts";
import type { PeerRequests } from "./requests.ts";

/** Why a replica here cannot serve a call, or undefined where it can. */
export function refusalOf(context: ShardContext, replica: Replica): RaftError | undefined {
  switch (replica.state) {
    case "running":
      return undefined;
    case "stopped":
      return groupStopped(replica);
    case "failed":
      return groupFailed(context, replica);
    case "disabled":
      return groupDisabled(replica);
  }
}

/** Whom a caller may turn to where this replica does not lead. */
export function leaderHint(
  context: ShardContext,
  { raft }: Replica,
): Pick<ErrorDetails, "leader" | "leaderAddress" | "term"> {
  const leader = idOrNobody(context, raft.leader);
  const leaderAddress = leader === undefined ? undefined : context.addresses[leader];
  return { leader, leaderAddress, term: raft.term };
}

export function notLeader(context: ShardContext, replica: Replica): RaftError {
  const hint = leaderHint(context, replica);
  const { leader, term } = hint;
  const failures = leader === undefined ? memberFaults(context, replica) : undefined;
  const details = failures === undefined ? hint : { ...hint, failures };
  const who =
    leader === undefined
      ? `no leader is known${describeFaults(failures)}`
      : `the leader is ${leader}`;
  return new RaftError(
    "ERR_NOT_LEADER",
    `Node ${context.environment.node} does not lead group ${replica.group} in term ${term}: ${who}`,
    { details },
  );
}

export interface ForwardedCall {
  readonly op: typeof requestOp.propose | typeof requestOp.read;
  readonly replyTo: ReplyTo;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
  /** Results awaited: one for each entry or query. */
  readonly count: number;
}

/**
 * Sends a local call to the group's leader; the answer goes to the caller as if it had been served
 * here.
 */
export function forwardCall(
  context: ShardContext,
  requests: PeerRequests,
  replica: Replica,
  call: ForwardedCall,
): void {
  const { replies, nodes } = context;
  const { leader } = replica.raft;
  if (leader === nobody || leader === nodes.self) {
    replies.failed(call.replyTo, notLeader(context, replica));
    return;
  }
  requests.sendCall({
    node: nodes.idOf(leader),
    group: replica.group,
    op: call.op,
    payload: call.payload,
    timeoutMs: call.timeoutMs,
    idempotent: false,
    successor: () => {
      const { leader: present } = replica.raft;
      return present === leader ? undefined : idOrNobody(context, present);
    },
    onResponse: (response) => {
      if (response.failed) suspectRefusing(context, replica, leader, response);
      relay(context, call, response);
    },
    onFailure: (error) => replies.failed(call.replyTo, asRead(call, error)),
  });
}

/**
 * Who refuses a call because it does not lead is not the leader that this replica waits for: it may
 * have parked, and waits for ever.
 */
function suspectRefusing(
  context: ShardContext,
  replica: Replica,
  leader: NodeKey,
  { payload }: ShardResponse,
): void {
  if (!refusesToLead.has(asWireError(decodeAnswer(payload)).code)) return;
  replica.raft.suspectLeader(leader);
  context.ticks.follow(replica);
}

const refusesToLead: ReadonlySet<string> = new Set([
  "ERR_NOT_LEADER",
  "ERR_GROUP_NOT_FOUND",
  "ERR_GROUP_STOPPED",
  "ERR_GROUP_DISABLED",
  "ERR_GROUP_FAILED",
]);

/** A read has no effect, whatever became of it. */
function asRead({ op }: ForwardedCall, error: RaftError): RaftError {
  return op === requestOp.read ? error.withOutcome("none") : error;
}

/**
 * The answer comes from another process: whatever it holds, the call gets exactly the results that
 * it waits for, or fails.
 */
function relay(context: ShardContext, call: ForwardedCall, response: ShardResponse): void {
  const { replies } = context;
  const decoded = decodeAnswer(response.payload);
  if (response.failed) {
    replies.failed(call.replyTo, asRead(call, errorFromWire(asWireError(decoded))));
    return;
  }
  const results: readonly unknown[] = Array.isArray(decoded) ? decoded : [];
  if (results.length !== call.count) {
    const message = `A peer answered a call of ${call.count} results with ${results.length}`;
    const error = new RaftError("ERR_FRAME_INVALID", message, { outcome: "unknown" });
    replies.failed(call.replyTo, asRead(call, error));
    return;
  }
  if (call.op === requestOp.read) relayAnswers(context, call, response.index, results);
  else relayResults(context, call, response.index, results);
  // More of them stay with those who send them.
  if (replies.engineIsBehind) context.dataPause.begin("answers");
}

function relayResults(
  { replies }: ShardContext,
  { replyTo }: ForwardedCall,
  first: Index,
  results: readonly unknown[],
): void {
  for (const [offset, result] of results.entries()) {
    const index = first + offset;
    if (result instanceof Uint8Array) replies.applied(replyTo, index, result);
    else replies.applyFailed(replyTo, index, errorFromWire(asWireError(result)));
  }
}

function relayAnswers(
  { replies }: ShardContext,
  { replyTo, count }: ForwardedCall,
  index: Index,
  answers: readonly unknown[],
): void {
  replies.beginAnswers(replyTo, { index, ageMs: 0, count });
  for (const answer of answers) {
    if (answer instanceof Uint8Array) replies.answered(replyTo, index, answer);
    else replies.answerFailed(replyTo, index, errorFromWire(asWireError(answer)));
  }
}

/**
 * Undefined for bytes that are no CBOR: the call has been taken off the list already and must be
 * answered.
 */
export function decodeAnswer(payload: Uint8Array): unknown {
  try {
    return decodeCbor(payload);
  } catch {
    return undefined;
  }
}

function asWireError(value: unknown): WireError {
  const fields: Partial<Record<string, unknown>> =
    typeof value === "object" && value !== null ? { ...value } : {};
  const { code, message, outcome, cause } = fields;
  const details = fields["details"];
  return {
    code: typeof code === "string" ? code : "ERR_INTERNAL",
    message: typeof message === "string" ? message : "a peer answered with a malformed error",
    outcome: outcome === "none" ? "none" : "unknown",
    details: typeof details === "object" && details !== null ? { ...details } : {},
    ...(typeof cause === "string" ? { cause } : {}),
  };
}

/**
 * Takes a call that another node forwarded. It is never forwarded a second time: two stale hints
 * could send it in circles.
 */
export function takeForwarded(context: ShardContext, from: NodeId, request: ShardRequest): void {
  const { replies, options, replicas } = context;
  const { group, payload } = request;
  const count = countEntries(payload);
  const results = Math.max(count, 1);
  const bytes = payload.length + callOverheadBytes;
  const waiting = replies.forwardedBytes;
  const replyTo = replies.addForwarded({
    node: from,
    id: request.id,
    group,
    results,
    bytes,
    deadlineMs: context.environment.clock.monotonicMs() + request.timeoutMs,
  });
  const replica = replicas.get(group);
  const refusal = replica === undefined ? groupNotFound(group) : refusalOf(context, replica);
  if (replica === undefined || refusal !== undefined) {
    replies.failed(replyTo, refusal ?? groupNotFound(group));
  } else if (count <= 0) {
    const message = `Node ${from} forwarded ${payload.length} bytes that are not commands or queries`;
    replies.failed(replyTo, new RaftError("ERR_FRAME_INVALID", message));
  } else if (payload.length > options.commandBytesMax + entryHeaderBytes(payload.length)) {
    const message = `Node ${from} forwarded ${payload.length} bytes; commandBytesMax is ${options.commandBytesMax}`;
    replies.failed(replyTo, new RaftError("ERR_ENTRY_TOO_LARGE", message));
  } else if (replies.forwardedCount > options.requestsMax) {
    const message = `${options.requestsMax} forwarded calls are waiting (requestsMax)`;
    replies.failed(replyTo, new RaftError("ERR_BUSY", message));
  } else if (waiting >= context.shares.forwarded) {
    const message = `Forwarded calls that wait hold ${waiting} bytes (an eighth of shardBytesMax)`;
    replies.failed(replyTo, new RaftError("ERR_BUSY", message));
  } else if (!replica.raft.isLeader) {
    replies.failed(replyTo, notLeader(context, replica));
  } else if (request.op === requestOp.read) {
    replica.reads.add({ replyTo, count, queries: payload });
    context.markDirty(replica);
  } else {
    takeProposal(context, replica, {
      replyTo,
      count,
      source: payload,
      start: 0,
      end: payload.length,
    });
  }
  context.schedule();
}

/** Lets a proposal into the replica's next block, unless too much waits there already. */
export function takeProposal(
  context: ShardContext,
  replica: Replica,
  proposal: IncomingProposal,
): void {
  const { openBytesMax } = context.options;
  if (replica.open.bytes >= openBytesMax) {
    const message = `Group ${replica.group} has ${replica.open.bytes} bytes of proposals waiting (openBytesMax)`;
    context.replies.failed(proposal.replyTo, new RaftError("ERR_BUSY", message));
    return;
  }
  replica.open.add(proposal);
  context.counters.proposals += proposal.count;
  context.markDirty(replica);
}
