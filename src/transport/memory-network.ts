/**
 * A network inside one process: what MemoryTransports are plugged into. Nothing happens within a
 * call; deliveries, ups and downs are tasks given to the scheduler, so that a test or a simulator
 * decides when, and with a seeded one in which order. Frames of one lane keep their order whatever
 * the scheduler does.
 */
import { RaftError, assert } from "../base/index.ts";
import type { NodeId, ShardId } from "../base/index.ts";
import type { MemoryTransport } from "./memory-transport.ts";
import type { Lane, PeerShard } from "./transport.ts";

/** Runs `task` later, once. Never within the call. */
export type Schedule = (task: () => void) => void;

/** A frame under way, for a predicate that decides whether it gets lost. */
export interface MemoryFrame {
  readonly from: PeerShard;
  readonly to: { readonly node: NodeId; readonly shard: ShardId };
  readonly lane: Lane;
  readonly frame: Uint8Array;
}

export class MemoryNetwork {
  readonly schedule: Schedule;
  /** Frames for which it says true are lost. */
  private drops: (frame: MemoryFrame) => boolean = () => false;
  private readonly bound = new Map<number, MemoryTransport>();
  private readonly cuts = new Set<string>();
  private portNext = 1;
  private reviewScheduled = false;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
  }

  /**
   * Separates two nodes in both directions: links between them go down and what was under way is
   * lost.
   */
  cut(a: NodeId, b: NodeId): void {
    this.cuts.add(pairKey(a, b));
    for (const transport of this.bound.values()) {
      const { node } = transport.identity;
      if (node === a) transport.sever(b);
      else if (node === b) transport.sever(a);
    }
    this.changed();
  }

  /** Joins two nodes again; their links come up by themselves. */
  heal(a: NodeId, b: NodeId): void {
    this.cuts.delete(pairKey(a, b));
    this.changed();
  }

  /**
   * Loses every frame for which `predicate` says true, without a word to anybody. Replaces the one
   * before.
   */
  dropWhen(predicate: (frame: MemoryFrame) => boolean): void {
    this.drops = predicate;
  }

  isDropped(frame: MemoryFrame): boolean {
    return this.drops(frame);
  }

  isCut(a: NodeId, b: NodeId): boolean {
    return this.cuts.has(pairKey(a, b));
  }

  /** The transport that listens at a port. */
  at(port: number | undefined): MemoryTransport | undefined {
    return port === undefined ? undefined : this.bound.get(port);
  }

  /** Binds `port`, or the next free one for 0. @throws ERR_PORT_IN_USE */
  bind(transport: MemoryTransport, port: number): number {
    let wanted = port;
    if (wanted === 0) {
      while (this.bound.has(this.portNext)) this.portNext += 1;
      wanted = this.portNext;
      this.portNext += 1;
    }
    if (this.bound.has(wanted)) {
      throw new RaftError("ERR_PORT_IN_USE", `Cannot listen on port ${wanted}: the port is taken`);
    }
    assert(wanted <= 65_535, "a memory network has ports left");
    this.bound.set(wanted, transport);
    this.changed();
    return wanted;
  }

  unbind(transport: MemoryTransport): void {
    if (this.bound.get(transport.port) === transport) this.bound.delete(transport.port);
    for (const other of this.bound.values()) other.severShard(transport);
    this.changed();
  }

  /**
   * Something changed that may bring links up or down: each transport looks at its own, in one
   * task.
   */
  changed(): void {
    if (this.reviewScheduled) return;
    this.reviewScheduled = true;
    this.schedule(() => {
      this.reviewScheduled = false;
      for (const transport of this.bound.values()) transport.review();
    });
  }
}

function pairKey(a: NodeId, b: NodeId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
