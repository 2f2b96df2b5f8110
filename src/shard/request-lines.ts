/**
 * Requests to create and remove replicas wait here for their turn. A shard of another node is asked
 * a bounded number of them at a time; the next one is who has waited longest, and who asks again
 * stands at the end. So thousands of groups that lack a member keep no creation waiting for ever,
 * nor each other, and a shard that is silent holds up nobody but those who ask it.
 *
 *     send ──► line of its link ──a request there has ended──► sent ──► answered, or not in time
 *      └─no link─► waits for one ─┘
 */
import { RaftError } from "../base/index.ts";
import type { GroupId, NodeId } from "../base/index.ts";
import type { Link } from "../transport/index.ts";
import type { ShardResponse } from "../wire/index.ts";
import type { ShardContext } from "./context.ts";
import { describeFault } from "./link-faults.ts";
import type { PeerRequest } from "./requests.ts";

export interface LineRequest {
  readonly node: NodeId;
  readonly group: GroupId;
  readonly op: number;
  /** What it says, asked when it is its turn; undefined: it is of no use any more, and is over. */
  readonly payload: () => Uint8Array | undefined;
  readonly timeoutMs: number;
  /**
   * The time counts from its turn on. Until then it waits for as long as that takes, but for no
   * link: without one it fails at once.
   */
  readonly patient: boolean;
  readonly onResponse: (response: ShardResponse) => void;
  /** No answer. Outcome "none" where the request was never sent. */
  readonly onFailure: (error: RaftError) => void;
}

interface Waiting {
  readonly request: LineRequest;
  readonly deadlineMs: number;
}

interface Line {
  inFlight: number;
  waiting: Set<Waiting>;
}

/** Of `requestsMax`, the requests of this kind that one other shard is asked at a time. */
const linkShare = 1 / 8;

export class RequestLines {
  private readonly context: ShardContext;
  private readonly transmit: (request: PeerRequest) => void;
  private readonly inFlightMax: number;
  private readonly lines: Map<Link, Line> = new Map();
  private unlinked: Set<Waiting> = new Set();
  private ended = false;

  constructor(context: ShardContext, transmit: (request: PeerRequest) => void) {
    this.context = context;
    this.transmit = transmit;
    this.inFlightMax = Math.max(1, Math.floor(context.options.requestsMax * linkShare));
  }

  send(request: LineRequest): void {
    const nowMs = this.context.environment.clock.monotonicMs();
    const { patient, timeoutMs } = request;
    const deadlineMs = patient ? Number.POSITIVE_INFINITY : nowMs + timeoutMs;
    this.stand({ request, deadlineMs });
  }

  private stand(waiting: Waiting): void {
    if (this.ended) return;
    const { node, group, patient } = waiting.request;
    const link = this.context.environment.transport.link(node, group);
    if (link?.up !== true) {
      if (patient) this.fail(waiting, `there is no connection to node ${node}`);
      else this.unlinked.add(waiting);
      return;
    }
    const line = this.lines.get(link) ?? { inFlight: 0, waiting: new Set() };
    this.lines.set(link, line);
    line.waiting.add(waiting);
    this.advance(link, line);
  }

  /** Sends as many as there is room for, those first that have waited longest. */
  private advance(link: Link, line: Line): void {
    for (const next of line.waiting) {
      if (line.inFlight >= this.inFlightMax) return;
      line.waiting.delete(next);
      const payload = next.request.payload();
      if (payload !== undefined) this.begin(link, line, { ...next, payload });
    }
    if (line.inFlight === 0) this.lines.delete(link);
  }

  private begin(
    link: Link,
    line: Line,
    { request, deadlineMs, payload }: Waiting & { readonly payload: Uint8Array },
  ): void {
    const { node, group, op, timeoutMs } = request;
    const leftMs = deadlineMs - this.context.environment.clock.monotonicMs();
    const end = (): void => {
      line.inFlight -= 1;
      this.advance(link, line);
    };
    line.inFlight += 1;
    this.transmit({
      node,
      group,
      op,
      payload,
      timeoutMs: Math.max(1, Math.ceil(Math.min(timeoutMs, leftMs))),
      idempotent: true,
      onResponse: (response) => {
        request.onResponse(response);
        end();
      },
      onFailure: (error) => {
        request.onFailure(error);
        end();
      },
    });
  }

  /** Looks for links that are up or down now, and gives up what is past its deadline. */
  tick(): void {
    if (this.unlinked.size === 0 && this.lines.size === 0) return;
    const moved = [...this.unlinked];
    this.unlinked = new Set();
    for (const [link, line] of this.lines) {
      if (link.up) this.giveUpLate(line);
      else {
        moved.push(...line.waiting);
        line.waiting.clear();
        if (line.inFlight === 0) this.lines.delete(link);
      }
    }
    for (const waiting of moved) {
      if (this.isLate(waiting)) this.failLate(waiting);
      else this.stand(waiting);
    }
  }

  private giveUpLate({ waiting }: Line): void {
    for (const each of waiting) {
      if (!this.isLate(each)) continue;
      waiting.delete(each);
      this.failLate(each);
    }
  }

  private isLate({ deadlineMs }: Waiting): boolean {
    return this.context.environment.clock.monotonicMs() >= deadlineMs;
  }

  private failLate(waiting: Waiting): void {
    const { node, timeoutMs } = waiting.request;
    this.fail(waiting, `no answer from ${node} in ${timeoutMs} ms`);
  }

  private fail({ request }: Waiting, what: string): void {
    const { group, node } = request;
    const message = `Group ${group}: ${what}${describeFault(this.context, node)}`;
    request.onFailure(new RaftError("ERR_TIMEOUT", message, { outcome: "none" }));
  }

  /** The shard ends: who waits here is told by others. */
  end(): void {
    this.ended = true;
    this.unlinked.clear();
    this.lines.clear();
  }
}
