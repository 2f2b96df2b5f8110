/**
 * Requests of this shard to the shards of other nodes that hold the same group: forwarded calls,
 * creation and removal of replicas. Each is answered, fails with its link, or fails at its
 * deadline.
 */
import { RaftError } from "../base/index.ts";
import type { ErrorCode, GroupId, Incarnation, NodeId } from "../base/index.ts";
import type { Link } from "../transport/index.ts";
import type { ShardResponse } from "../wire/index.ts";
import type { ShardContext } from "./context.ts";
import { describeFault } from "./link-faults.ts";
import { RequestLines } from "./request-lines.ts";
import type { LineRequest } from "./request-lines.ts";

/** What a request asks for. Part of the protocol: never renumber. */
export const requestOp = { propose: 1, read: 2, createReplica: 3, removeReplica: 4 } as const;

export interface PeerRequest {
  readonly node: NodeId;
  readonly group: GroupId;
  readonly op: number;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
  /**
   * Safe to send again: kept until the link is up and sent anew after it was lost. Others, which
   * are calls, fail with their link.
   */
  readonly idempotent: boolean;
  /** Whom to turn to if that is no longer `node`: it will hardly answer. */
  readonly successor?: () => NodeId | undefined;
  readonly onResponse: (response: ShardResponse) => void;
  /** No answer. Outcome "none" where the request was never sent. */
  readonly onFailure: (error: RaftError) => void;
}

interface Waiting {
  readonly request: PeerRequest;
  readonly deadlineMs: number;
  sent: boolean;
  sentMs: number;
  /**
   * The link that it was sent on last: once it has left it may be carried out, whatever becomes of
   * the link. A node with several shards has several.
   */
  link: Link | undefined;
  /** Of an idempotent request: the data directory to whose owner it was first sent. */
  addressee: Incarnation | undefined;
  /** Ticks since another node is known to be the one to ask. */
  overtakenTicks: number;
}

/**
 * After this silence an idempotent request is sent again: its answer may have had no connection to
 * come back on, since each side dials its own.
 */
const resendMs = 250;
/** For so long a leader that another has replaced may still answer what it was asked before. */
const overtakenTicksMax = 2;

export class PeerRequests {
  private readonly context: ShardContext;
  private readonly waiting: Map<number, Waiting> = new Map();
  /** Those of them that are calls. */
  private calls = 0;
  private readonly lines: RequestLines;
  /** Nodes of which some lane had no room when it was last asked. */
  private readonly fullNodes: Set<NodeId> = new Set();
  /**
   * Starts anywhere: a shard that crashed and came back must not take the answer to a request of
   * its former life for the answer to one of its own.
   */
  private nextId: number;

  constructor(context: ShardContext) {
    this.context = context;
    this.nextId = context.environment.prng.incarnation();
    this.lines = new RequestLines(context, (request) => this.begin(request));
  }

  /** Forwards a call, or refuses it: who calls all the time must not keep out who is in line. */
  sendCall(request: PeerRequest): void {
    const { requestsMax } = this.context.options;
    if (this.calls >= requestsMax) {
      const message = `${requestsMax} calls to other nodes are waiting (requestsMax)`;
      request.onFailure(new RaftError("ERR_BUSY", message));
      return;
    }
    this.begin(request);
  }

  /** Sends a request to create or remove a replica when it is its turn. */
  sendInLine(request: LineRequest): void {
    this.lines.send(request);
  }

  private begin(request: PeerRequest): void {
    if (!request.idempotent) this.calls += 1;
    const id = this.nextId;
    this.nextId += 1;
    const deadlineMs = this.context.environment.clock.monotonicMs() + request.timeoutMs;
    const waiting: Waiting = {
      request,
      deadlineMs,
      sent: false,
      sentMs: 0,
      link: undefined,
      addressee: undefined,
      overtakenTicks: 0,
    };
    this.waiting.set(id, waiting);
    if (!this.fullNodes.has(request.node)) this.transmit(id, waiting);
  }

  private transmit(id: number, waiting: Waiting): void {
    const { node, group, op, payload, timeoutMs, idempotent } = waiting.request;
    if (idempotent && this.isForAnother(waiting)) {
      this.fail(id, waiting, "ERR_LEADERSHIP_LOST", `${node} came back without its disk`);
      return;
    }
    const nowMs = this.context.environment.clock.monotonicMs();
    const sending = this.context.outboxes.sendRequest(node, {
      kind: "shardRequest",
      id,
      group,
      op,
      // What waited for room on the lane has less time left.
      timeoutMs: Math.max(1, Math.ceil(Math.min(timeoutMs, waiting.deadlineMs - nowMs))),
      payload,
    });
    if (sending === "full") {
      // It keeps its place: those that come later wait with it.
      this.fullNodes.add(node);
      return;
    }
    waiting.sent = sending === "sent";
    if (sending === "down" && !idempotent) this.failUnsent(id, waiting);
    if (!waiting.sent) return;
    waiting.link = this.context.environment.transport.link(node, group);
    waiting.sentMs = nowMs;
    this.context.schedule();
  }

  /**
   * Whether the node has lost its disk since the request was first sent: asked again to create a
   * replica, it would make one that has forgotten what the first one promised.
   */
  private isForAnother(waiting: Waiting): boolean {
    const { node, group } = waiting.request;
    const link = this.context.environment.transport.link(node, group);
    if (link?.up !== true) return false;
    waiting.addressee ??= link.incarnation;
    return waiting.addressee !== link.incarnation;
  }

  handleResponse(node: NodeId, response: ShardResponse): void {
    const waiting = this.waiting.get(response.id);
    // Late, or not from whom it was asked of.
    if (waiting === undefined || waiting.request.node !== node) return;
    if (waiting.request.group !== response.group) return;
    this.forget(response.id, waiting);
    waiting.request.onResponse(response);
  }

  /** Requests that were in flight on a lost link may or may not have been carried out. */
  linkDown(link: Link): void {
    for (const [id, waiting] of this.waiting) {
      if (waiting.link !== link || !waiting.sent) continue;
      const { idempotent, node } = waiting.request;
      if (idempotent) waiting.sent = false;
      else this.fail(id, waiting, "ERR_LEADERSHIP_LOST", `the connection to ${node} was lost`);
    }
  }

  /** Sends what could not be sent before, and gives up what is past its deadline. */
  tick(): void {
    this.fullNodes.clear();
    this.lines.tick();
    if (this.waiting.size === 0) return;
    const nowMs = this.context.environment.clock.monotonicMs();
    for (const [id, waiting] of this.waiting) {
      if (nowMs >= waiting.deadlineMs) {
        const { node, timeoutMs } = waiting.request;
        const why = describeFault(this.context, node);
        this.fail(id, waiting, "ERR_TIMEOUT", `no answer from ${node} in ${timeoutMs} ms${why}`);
      } else if (this.maybeGiveUp(id, waiting)) continue;
      else if (this.fullNodes.has(waiting.request.node)) continue;
      else if (!waiting.sent || isDueAgain(waiting, nowMs)) this.transmit(id, waiting);
    }
  }

  /** Whether a call was given up since another node leads and the one that was asked is silent. */
  private maybeGiveUp(id: number, waiting: Waiting): boolean {
    const { request } = waiting;
    const leader = request.successor?.();
    if (leader === undefined) {
      waiting.overtakenTicks = 0;
      return false;
    }
    waiting.overtakenTicks += 1;
    if (waiting.overtakenTicks <= overtakenTicksMax) return false;
    this.forget(id, waiting);
    const message = `Group ${request.group}: no answer from ${request.node}, and ${leader} leads now`;
    const outcome = waiting.sent ? "unknown" : "none";
    const code = waiting.sent ? "ERR_LEADERSHIP_LOST" : "ERR_NOT_LEADER";
    const leaderAddress = this.context.addresses[leader];
    request.onFailure(
      new RaftError(code, message, { outcome, details: { leader, leaderAddress } }),
    );
    return true;
  }

  private forget(id: number, { request }: Waiting): void {
    this.waiting.delete(id);
    if (!request.idempotent) this.calls -= 1;
  }

  failAll(code: ErrorCode, message: string): void {
    this.lines.end();
    for (const [id, waiting] of this.waiting) this.fail(id, waiting, code, message);
  }

  private failUnsent(id: number, waiting: Waiting): void {
    const { context } = this;
    const { node, group } = waiting.request;
    const fault = context.environment.transport.faultOf(node);
    const message = `there is no connection to node ${node}${describeFault(context, node)}`;
    if (fault?.refused !== true) {
      this.fail(id, waiting, "ERR_NOT_LEADER", message);
      return;
    }
    this.forget(id, waiting);
    const details = { leader: node, reason: fault.reason };
    waiting.request.onFailure(
      new RaftError("ERR_HANDSHAKE_REFUSED", `Group ${group}: ${message}`, { details }),
    );
  }

  private fail(id: number, waiting: Waiting, code: ErrorCode, message: string): void {
    this.forget(id, waiting);
    const { request, link } = waiting;
    request.onFailure(
      new RaftError(code, `Group ${request.group}: ${message}`, {
        outcome: link === undefined ? "none" : "unknown",
      }),
    );
  }
}

function isDueAgain({ request, sentMs }: Waiting, nowMs: number): boolean {
  return request.idempotent && nowMs - sentMs >= resendMs;
}
