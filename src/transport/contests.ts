/**
 * Two processes that claim to be one node: the newer one greets while the older one is connected.
 * The older one may have died without a word, and then the newer is its successor; or both live,
 * because a node was started twice or a machine was copied, and then the newer one is refused, so
 * that they do not take turns.
 *
 *   Hello of another process ──► every connection of the older one is probed
 *        one answers ──────────► the newer one is refused with `nodeInUse`
 *        all close, or none answers in time ──► the newer one goes on, and takes their place when
 *                                               it has proved itself
 */
import type { NodeId } from "../base/index.ts";
import type { AcceptedConnection } from "./accepted-connection.ts";
import type { Cancel, Timers } from "./timers.ts";

interface Contest {
  readonly waiting: Set<AcceptedConnection>;
  readonly cancel: Cancel;
}

export class Contests {
  private readonly timers: Timers;
  private readonly waitMs: number;
  private readonly byNode = new Map<NodeId, Contest>();

  constructor(timers: Timers, waitMs: number) {
    this.timers = timers;
    this.waitMs = waitMs;
  }

  /** Lets a newcomer wait for an answer of the connections that are there. */
  begin(newcomer: AcceptedConnection, rivals: readonly AcceptedConnection[]): void {
    const { node } = newcomer.peer;
    const present = this.byNode.get(node);
    if (present !== undefined) present.waiting.add(newcomer);
    else {
      const cancel = this.timers.after(this.waitMs, () => this.end(node));
      this.byNode.set(node, { waiting: new Set([newcomer]), cancel });
    }
    for (const rival of rivals) rival.probe();
  }

  /** An open connection has answered a probe: whoever waited for its silence is refused. */
  onHeard({ peer, instance }: AcceptedConnection): void {
    const contest = this.byNode.get(peer.node);
    for (const newcomer of contest?.waiting ?? []) {
      if (newcomer.instance === instance) continue;
      contest?.waiting.delete(newcomer);
      newcomer.refuse("nodeInUse");
    }
    if (contest?.waiting.size === 0) this.forget(peer.node);
  }

  /** A connection that waited is gone. */
  onNewcomerClosed(connection: AcceptedConnection): void {
    const { node } = connection.peer;
    const contest = this.byNode.get(node);
    if (contest?.waiting.delete(connection) === true && contest.waiting.size === 0) {
      this.forget(node);
    }
  }

  /** Nobody is left to answer for a node, or nobody has answered in time. */
  end(node: NodeId): void {
    const waiting = [...(this.byNode.get(node)?.waiting ?? [])];
    this.forget(node);
    for (const newcomer of waiting) newcomer.onUncontested();
  }

  close(): void {
    for (const { cancel } of this.byNode.values()) cancel();
    this.byNode.clear();
  }

  private forget(node: NodeId): void {
    this.byNode.get(node)?.cancel();
    this.byNode.delete(node);
  }
}
