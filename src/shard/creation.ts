/**
 * Creation of a group on its members with one call. The creator draws an incarnation for every
 * member and sends all of them the same descriptor:
 *
 *   creator ── createReplica(members, incarnations) ──► member writes it to disk, answers "started"
 *           majority started: the group exists; the creator campaigns at once
 *           otherwise: removeReplica to all that may have one, and the call fails
 *
 * A majority may have started all the same, without the creator hearing of it, and may have elected
 * a leader that serves clients. So a replica that has come to a term stays: no quorum that has ever
 * formed loses a member.
 *
 * If the group exists with the same members, a call resumes its creation: it asks those that have
 * not answered, and removes nothing if it fails. If two nodes create a group at the same time,
 * their members see both creations, and one of them continues: see creation-offer.ts. Members that
 * are not reached join later: see joining.ts.
 */
import { RaftError, limits, nobody } from "../base/index.ts";
import type { NodeId, Outcome } from "../base/index.ts";
import { majorityOf } from "../raft/index.ts";
import { encodeCbor } from "../wire/index.ts";
import type { ShardResponse } from "../wire/index.ts";
import type { ShardContext } from "./context.ts";
import {
  encodeOffer,
  isBound,
  memberOf,
  offerLevel,
  offerOf,
  sameNodes,
} from "./creation-offer.ts";
import { groupExists, removeReplica, storeDescriptor } from "./groups.ts";
import {
  bindMember,
  followRival,
  isCreator,
  isUnused,
  refusalIn,
  startFailure,
  startFault,
  startNew,
  withdraw,
} from "./joining.ts";
import { describeFault } from "./link-faults.ts";
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

/** How long the members may take to take a failed creation back; within the engine's own grace. */
const rollBackMs = 1_500;

/** The creations that this shard has begun and not answered. */
export class Creations {
  private readonly context: ShardContext;
  private readonly requests: PeerRequests;
  private readonly running: Set<GroupCreation> = new Set();

  constructor(context: ShardContext, requests: PeerRequests) {
    this.context = context;
    this.requests = requests;
  }

  begin(call: CreateGroupCall, callbacks: CreationCallbacks): void {
    const creation = new GroupCreation(this.context, this.requests, call, {
      done: (created) => {
        this.running.delete(creation);
        callbacks.done(created);
      },
      failed: (error) => {
        this.running.delete(creation);
        callbacks.failed(error);
      },
    });
    this.running.add(creation);
    creation.begin();
  }

  tick(): void {
    for (const creation of this.running) creation.tick();
  }

  /** The shard ends: what has become of the replicas made so far, nobody will hear. */
  end(error: RaftError): void {
    for (const creation of this.running) creation.end(error);
  }
}

class GroupCreation {
  private readonly context: ShardContext;
  private readonly requests: PeerRequests;
  private readonly call: CreateGroupCall;
  private readonly callbacks: CreationCallbacks;
  private deadlineMs: number;
  /** This call has made the group: if it fails, it takes that back. */
  private fresh = false;
  /** Nothing more is asked: the call is answered, or the creation is being taken back. */
  private ended = false;
  private answered = false;
  private hurried = false;
  /** The replica whose creation is followed; another one's may take its place. */
  private replica: Replica | undefined;
  private readonly asked: Set<NodeId> = new Set();
  /** Members that may have made their replica. */
  private readonly mayHave: Set<NodeId> = new Set();
  /** By member: undefined, it runs the group; otherwise why it does not. */
  private readonly answers: Map<NodeId, string | undefined> = new Map();

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
    this.deadlineMs = context.environment.clock.monotonicMs() + call.timeoutMs;
  }

  begin(): void {
    const { context, call } = this;
    const present = context.replicas.get(call.group);
    const fault = present === undefined ? startFault(context, call.members) : undefined;
    if (fault !== undefined) this.fail(fault);
    else if (present === undefined) {
      this.fresh = true;
      this.follow(this.create());
    } else if (!sameNodes(present.descriptor.members, call.members)) {
      this.fail(groupExists(call.group));
    } else if (isServed(present)) this.answerFrom(present);
    else this.follow(present);
  }

  private create(): Replica {
    const { context, call } = this;
    const { environment } = context;
    const { prng, transport } = environment;
    const others = call.members.filter((node) => node !== environment.node);
    const members = [environment.node, ...others].map((node) => {
      const link = node === environment.node ? environment : transport.link(node, call.group);
      const up = link !== undefined && ("up" in link ? link.up : true);
      const directory = up ? link.incarnation : undefined;
      return {
        node,
        incarnation: prng.incarnation(),
        ...(directory !== undefined && { directory }),
      };
    });
    const descriptor = { group: call.group, members, state: "running", reason: "" } as const;
    return startNew(context, descriptor, { level: offerLevel.empty, term: 0, members });
  }

  /** The group is led: there is nothing to wait for. */
  private answerFrom({ descriptor, missing }: Replica): void {
    const { nodes } = this.context;
    const away = new Set(missing.map((key) => nodes.idOf(key)));
    const names = descriptor.members.map(({ node }) => node);
    this.succeed(
      names.filter((node) => !away.has(node)),
      names.filter((node) => away.has(node)),
    );
  }

  private follow(replica: Replica): void {
    const { context } = this;
    this.replica = replica;
    this.asked.clear();
    this.answers.clear();
    const self = context.environment.node;
    storeDescriptor(context, replica, {
      done: () => this.settle(replica, self, startFailure(context, replica.group)),
      failed: (error) => this.settle(replica, self, error.message),
    });
    this.ask();
  }

  /** The replica as it is now; one that has moved to another creation is followed there. */
  private current(): Replica | undefined {
    const { context, call } = this;
    const present = context.replicas.get(call.group);
    if (this.ended) return present;
    if (present === undefined) {
      const message = `Group ${call.group} was taken back by another call while it was created`;
      this.fail(new RaftError("ERR_GROUP_CREATE_FAILED", message, { outcome: "unknown" }));
    } else if (present.incarnation !== this.replica?.incarnation) {
      this.fresh = false;
      this.follow(present);
    } else {
      // Stopped and started it is another object.
      this.replica = present;
    }
    return present;
  }

  /** The replica that was asked about, as it is now; undefined if that matters no more. */
  private presentOf({ incarnation }: Replica): Replica | undefined {
    const present = this.current();
    return present?.incarnation === incarnation && !this.ended ? present : undefined;
  }

  tick(): void {
    const { context, call, answers, asked } = this;
    const replica = this.current();
    const isLate = context.environment.clock.monotonicMs() >= this.deadlineMs;
    // A disk that hangs, or a member, must not keep the answer back for ever.
    if (this.ended && isLate) this.fail(this.createFailed("unknown"));
    if (this.ended || replica === undefined) return;
    this.ask();
    if (!isLate) return;
    for (const { node } of replica.descriptor.members) {
      // Without a majority it matters whether the request has left: it says so when it fails.
      if (answers.has(node) || (asked.has(node) && !this.hurried)) continue;
      const fault = describeFault(context, node);
      this.settle(replica, node, `no answer from ${node} in ${call.timeoutMs} ms${fault}`);
    }
  }

  /** Asks those members that were not asked and can be. */
  private ask(): void {
    const { context, asked, answers, replica } = this;
    if (replica === undefined) return;
    const { node: self, transport } = context.environment;
    for (const member of replica.descriptor.members) {
      const { node } = member;
      if (node === self || asked.has(node) || answers.has(node)) continue;
      if (isBound(replica, member)) {
        asked.add(node);
        this.send(replica, node);
      } else if (transport.link(node, replica.group)?.up === true) {
        if (!isCreator(context, replica)) {
          this.settle(replica, node, "it is asked by the node that began the creation");
        } else if (bindMember(context, replica, node, () => this.send(replica, node))) {
          asked.add(node);
        }
      }
    }
  }

  private send(replica: Replica, node: NodeId): void {
    if (this.presentOf(replica) === undefined) return;
    const { call, deadlineMs, context } = this;
    this.requests.sendInLine({
      node,
      group: call.group,
      op: requestOp.createReplica,
      // Also if the call has been answered meanwhile: the member is missed.
      payload: () => {
        const present = context.replicas.get(call.group);
        if (present?.incarnation !== replica.incarnation) return undefined;
        return encodeOffer(offerOf(present));
      },
      timeoutMs: Math.max(1, Math.ceil(deadlineMs - context.environment.clock.monotonicMs())),
      patient: false,
      onResponse: (response) => this.take(replica, node, response),
      onFailure: (error) => {
        if (error.outcome === "unknown") this.mayHave.add(node);
        this.settle(replica, node, error.message);
      },
    });
  }

  private take(asking: Replica, node: NodeId, response: ShardResponse): void {
    if (!response.failed) {
      this.mayHave.add(node);
      this.settle(asking, node, undefined);
      return;
    }
    const { rival, reason } = refusalIn(response);
    // One whose machine cannot be created has its replica on disk.
    if (rival === undefined) this.mayHave.add(node);
    const present = this.presentOf(asking);
    if (rival !== undefined && present !== undefined) {
      followRival(this.context, present, rival);
    }
    this.settle(asking, node, reason);
  }

  private settle(asking: Replica, node: NodeId, failure: string | undefined): void {
    const replica = this.presentOf(asking);
    if (replica === undefined) return;
    this.answers.set(node, failure);
    const { members } = replica.descriptor;
    const names = [...this.answers.keys()];
    const started = names.filter((name) => this.answers.get(name) === undefined);
    const exists = started.length >= majorityOf(members.length);
    // The group is there, and members that are not reached now join by themselves.
    if (exists) this.hurry();
    if (this.answers.size < members.length) return;
    if (exists) {
      const missed = names.filter((name) => !started.includes(name));
      this.succeed(started, missed);
    } else if (this.fresh) this.rollBack(replica);
    else this.fail(this.createFailed("unknown"));
  }

  private hurry(): void {
    const nowMs = this.context.environment.clock.monotonicMs();
    this.hurried = true;
    this.deadlineMs = Math.min(this.deadlineMs, nowMs + limits.creationGraceMs);
  }

  private succeed(started: readonly NodeId[], notStarted: readonly NodeId[]): void {
    const { context, call } = this;
    this.ended = true;
    this.answered = true;
    const replica = context.replicas.get(call.group);
    // A member may have been elected while the last answers were awaited: it leads already.
    if (call.campaign && replica?.running === true && replica.raft.leader === nobody) {
      replica.raft.campaign();
      context.markDirty(replica);
    }
    this.callbacks.done({ started, notStarted });
  }

  private fail(error: RaftError): void {
    if (this.answered) return;
    this.ended = true;
    this.answered = true;
    this.callbacks.failed(error);
  }

  /** The shard ends. */
  end(error: RaftError): void {
    this.fail(error);
  }

  /**
   * Takes the replicas back; "none" is said when that is durable on every member that has one. The
   * own one is judged as it is now: since it was asked about it may have been stopped, started as
   * another object, and elected a leader.
   */
  private rollBack(replica: Replica): void {
    const { context, call, mayHave } = this;
    let outcome: Outcome = "none";
    let waiting = 1 + mayHave.size;
    const error = this.createFailed("none");
    this.ended = true;
    this.deadlineMs = context.environment.clock.monotonicMs() + rollBackMs;
    const settle = (taken: boolean): void => {
      if (!taken) outcome = "unknown";
      waiting -= 1;
      if (waiting === 0) this.fail(error.withOutcome(outcome));
    };
    for (const node of mayHave) {
      const incarnation = memberOf(replica.descriptor.members, node)?.incarnation ?? 0;
      this.requests.sendInLine({
        node,
        group: call.group,
        op: requestOp.removeReplica,
        payload: () => encodeCbor(incarnation),
        timeoutMs: rollBackMs,
        patient: false,
        onResponse: (response) => settle(!response.failed),
        onFailure: () => settle(false),
      });
    }
    if (!isUnused(replica)) settle(false);
    else {
      withdraw(context, replica.incarnation);
      removeReplica(context, replica, { done: () => settle(true), failed: () => settle(false) });
    }
  }

  private createFailed(outcome: Outcome): RaftError {
    const { call, answers } = this;
    const failures: Record<NodeId, string> = {};
    for (const [node, failure] of answers) if (failure !== undefined) failures[node] = failure;
    const reasons = Object.entries(failures).map(([node, reason]) => `${node}: ${reason}`);
    const started = answers.size - reasons.length;
    return new RaftError(
      "ERR_GROUP_CREATE_FAILED",
      `Group ${call.group} started on ${started} of ${answers.size} members, ` +
        `which is no majority: ${reasons.join("; ")}`,
      { outcome, details: { failures } },
    );
  }
}

function isServed({ raft, running }: Replica): boolean {
  return running && raft.leader !== nobody && raft.state.log.committed > 0;
}
