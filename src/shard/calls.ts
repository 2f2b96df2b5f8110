/** The engine's calls, out of its mail. Each is answered exactly once, here or later. */
import { RaftError } from "../base/index.ts";
import type { GroupId } from "../base/index.ts";
import { decodeTrusted } from "./control-codec.ts";
import type { Settle, ShardContext } from "./context.ts";
import type { Creations } from "./creation.ts";
import { forwardCall, notLeader, refusalOf, takeProposal } from "./forward.ts";
import {
  groupNotFound,
  enableReplica,
  keepStopped,
  retryReplica,
  startReplica,
  stopReplica,
  storeDescriptor,
} from "./groups.ts";
import { callFlag, callKind } from "./mail-records.ts";
import type { ControlCall } from "./mail-records.ts";
import { MailReader } from "./mail.ts";
import type { Replica } from "./replica.ts";
import type { ReplyTo } from "./replies.ts";
import { requestOp } from "./requests.ts";
import type { PeerRequests } from "./requests.ts";
import { groupStatus, shardStats } from "./status.ts";

/** What only the shard itself can do. */
export interface ShardControl {
  /** Starts ticks and links. */
  start(ports: readonly number[]): void;
  close(call: number): void;
}

export class Calls {
  private readonly context: ShardContext;
  private readonly requests: PeerRequests;
  private readonly creations: Creations;
  private readonly control: ShardControl;
  private nowMs = 0;
  /** By how much this clock is ahead of the engine's. */
  private clockLagMs = Number.POSITIVE_INFINITY;
  /** When the mail that is read was posted, by this clock. */
  private postedMs = 0;

  constructor(
    context: ShardContext,
    parts: { requests: PeerRequests; creations: Creations },
    control: ShardControl,
  ) {
    this.context = context;
    this.requests = parts.requests;
    this.creations = parts.creations;
    this.control = control;
  }

  receive(mail: ArrayBuffer): void {
    const reader = new MailReader(mail);
    this.nowMs = this.context.environment.clock.monotonicMs();
    this.postedMs = this.nowMs;
    if (reader.postedMs > 0) {
      // The engine's clock runs as this one does, and began elsewhere: mail that was faster than
      // all other took no time.
      this.clockLagMs = Math.min(this.clockLagMs, this.nowMs - reader.postedMs);
      this.postedMs = reader.postedMs + this.clockLagMs;
    }
    while (!reader.done) {
      switch (reader.word()) {
        case callKind.propose:
          this.propose(reader);
          break;
        case callKind.read:
          this.read(reader);
          break;
        case callKind.readLocal:
          this.readLocal(reader);
          break;
        case callKind.cancel:
          this.context.replies.deadlines.cancel(reader.word());
          break;
        case callKind.receipt:
          this.context.replies.takeReceipt(reader.double());
          break;
        default:
          this.controlCall(reader);
          break;
      }
    }
    this.context.schedule();
  }

  /** Notes the deadline of a call; one that has passed while the mail waited is answered. */
  private isOver(call: number, timeoutMs: number): boolean {
    const { deadlines } = this.context.replies;
    if (timeoutMs === 0) deadlines.cancel(call);
    else deadlines.set(call, this.postedMs + timeoutMs);
    if (!deadlines.isOver(call, this.nowMs)) return false;
    this.context.replies.over(call);
    return true;
  }

  /** The replica of a group, if it can serve calls; otherwise the call is answered. */
  private servingReplica(group: GroupId, replyTo: ReplyTo): Replica | undefined {
    const replica = this.context.replicas.get(group);
    const refusal = replica === undefined ? groupNotFound(group) : refusalOf(this.context, replica);
    if (refusal === undefined) return replica;
    this.context.replies.failed(replyTo, refusal);
    return undefined;
  }

  private propose(reader: MailReader): void {
    const { context } = this;
    const group = reader.word();
    const call = reader.word();
    const flags = reader.word();
    const timeoutMs = reader.word();
    const count = reader.word();
    reader.block();
    const { start, end, bytes: source } = reader;
    if (this.isOver(call, timeoutMs)) return;
    const replica = this.servingReplica(group, call);
    if (replica === undefined) return;
    if (replica.raft.isLeader) {
      takeProposal(context, replica, { replyTo: call, count, source, start, end });
    } else if ((flags & callFlag.forward) !== 0) {
      const payload = source.slice(start, end);
      const { propose: op } = requestOp;
      const forwarded = { op, replyTo: call, payload, timeoutMs, count };
      forwardCall(context, this.requests, replica, forwarded);
    } else {
      context.replies.failed(call, notLeader(context, replica));
    }
  }

  private read(reader: MailReader): void {
    const { context } = this;
    const group = reader.word();
    const call = reader.word();
    const flags = reader.word();
    const timeoutMs = reader.word();
    const count = reader.word();
    reader.block();
    const queries = reader.copy();
    if (this.isOver(call, timeoutMs)) return;
    const replica = this.servingReplica(group, call);
    if (replica === undefined) return;
    if (replica.raft.isLeader) {
      replica.reads.add({ replyTo: call, count, queries });
      context.markDirty(replica);
    } else if ((flags & callFlag.forward) !== 0) {
      const { read: op } = requestOp;
      forwardCall(context, this.requests, replica, {
        op,
        replyTo: call,
        payload: queries,
        timeoutMs,
        count,
      });
    } else {
      context.replies.failed(call, notLeader(context, replica));
    }
  }

  private readLocal(reader: MailReader): void {
    const { context } = this;
    const group = reader.word();
    const replyTo = reader.word();
    this.context.replies.deadlines.set(replyTo, Number.POSITIVE_INFINITY);
    reader.block();
    const replica = this.servingReplica(group, replyTo);
    if (replica?.machine === undefined) return;
    replica.reads.addLocal({ replyTo, count: 1, queries: reader.copy(), local: true });
    context.markApplying(replica);
  }

  private controlCall(reader: MailReader): void {
    const call = reader.word();
    reader.block();
    // Our own engine wrote it in this process: its shape is what the type says.
    const request = decodeTrusted<ControlCall>(reader.copy());
    switch (request.kind) {
      case "start":
        this.control.start(request.ports);
        this.context.replies.control(call, null);
        return;
      case "close":
        this.control.close(call);
        return;
      case "setPeers":
        this.context.addresses = request.addresses;
        this.context.environment.transport.setPeers(request.addresses);
        this.context.ticks.followAll();
        this.context.replies.control(call, null);
        return;
      case "renewCredentials":
        this.context.environment.transport.renewCredentials(request.credentials);
        this.context.replies.control(call, null);
        return;
      case "stats":
        this.context.replies.control(call, shardStats(this.context));
        return;
      default:
        this.groupCall(call, request);
    }
  }

  private groupCall(
    call: number,
    request: Exclude<
      ControlCall,
      { kind: "start" | "close" | "setPeers" | "renewCredentials" | "stats" }
    >,
  ): void {
    const { context } = this;
    const { replies } = context;
    const settle = this.settleOf(call);
    if (request.kind === "createGroup") {
      this.creations.begin(request, {
        done: (created) => replies.control(call, created),
        failed: settle.failed,
      });
      return;
    }
    const replica = context.replicas.get(request.group);
    if (replica === undefined) {
      replies.failed(call, groupNotFound(request.group));
      return;
    }
    context.inHand.take(request.group);
    switch (request.kind) {
      case "status":
        replies.control(call, groupStatus(context, replica));
        return;
      case "startGroup":
      case "enableGroup":
        this.runGroup(call, replica, request.kind);
        return;
      case "stopGroup":
        this.stopGroup(replica, settle);
        return;
      default:
        this.runningCall(call, replica, request);
    }
  }

  /** Makes a replica run, and answers when it does, durably, or why it cannot. */
  private runGroup(call: number, replica: Replica, kind: "startGroup" | "enableGroup"): void {
    const { context } = this;
    const settle = this.settleOf(call);
    if (context.handovers.isHandingOver(replica)) {
      // Perhaps before a stop: the start comes after it.
      const done = (): void => this.runGroup(call, replica, kind);
      context.handovers.begin(replica, { done, failed: settle.failed });
      return;
    }
    switch (replica.state) {
      case "running":
        storeDescriptor(context, replica, settle);
        return;
      case "failed":
        retryReplica(context, replica, settle);
        return;
      case "stopped":
        startReplica(context, replica, settle);
        return;
      case "disabled":
        if (kind === "enableGroup") enableReplica(context, replica, settle);
        else this.refuse(call, replica);
    }
  }

  private settleOf(call: number): Settle {
    const { replies } = this.context;
    return {
      done: () => replies.control(call, null),
      failed: (error) => replies.failed(call, error),
    };
  }

  /** A leader hands over first, so that its group is not left to wait for an election. */
  private stopGroup(replica: Replica, settle: Settle): void {
    const { context } = this;
    const done = (): void => {
      if (replica.descriptor.state === "running") stopReplica(context, replica, settle);
      else keepStopped(context, replica, settle);
    };
    context.handovers.begin(replica, { done, failed: settle.failed });
  }

  private runningCall(
    call: number,
    replica: Replica,
    request: Extract<ControlCall, { kind: "campaign" | "resign" | "digest" }>,
  ): void {
    const { context } = this;
    if (!replica.running) {
      this.refuse(call, replica);
      return;
    }
    switch (request.kind) {
      case "campaign":
        context.replies.control(call, replica.raft.campaign(request.force));
        context.markDirty(replica);
        return;
      case "resign":
        this.resign(call, replica);
        return;
      case "digest":
        this.digest(call, replica);
    }
  }

  /** Answered when the replica leads no more. Without a successor it steps down all the same. */
  private resign(call: number, replica: Replica): void {
    const { context } = this;
    const { replies, handovers } = context;
    const led = replica.raft.isLeader;
    const done = (): void => {
      if (replica.running && replica.raft.resign()) context.markDirty(replica);
      replies.control(call, led);
    };
    handovers.begin(replica, { done, failed: (error) => replies.failed(call, error) });
  }

  private digest(call: number, replica: Replica): void {
    const { replies } = this.context;
    try {
      const digest = replica.machine?.digest?.();
      replies.control(call, { digest, appliedIndex: replica.raft.state.log.applied });
    } catch (cause) {
      const message = `The state machine of group ${replica.group} threw in digest()`;
      replies.failed(call, new RaftError("ERR_QUERY_FAILED", message, { cause }));
    }
  }

  private refuse(call: number, replica: Replica): void {
    const refusal = refusalOf(this.context, replica);
    if (refusal !== undefined) this.context.replies.failed(call, refusal);
  }
}
