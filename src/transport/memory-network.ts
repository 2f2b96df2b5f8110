/**
 * A network inside one process: what MemoryTransports are plugged into. Nothing happens within a
 * call; deliveries, ups and downs are tasks given to the scheduler, so that a test or a simulator
 * decides when, and with a seeded one in which order. Frames of one lane keep their order whatever
 * the scheduler does.
 */
import { RaftError, assert } from "../base/index.ts";
import type { NodeId, ShardId } from "../base/index.ts";
import type { MemoryLink } from "./memory-link.ts";
import type { MemoryTransport } from "./memory-transport.ts";
import type { Lane, PeerShard } from "./transport.ts";

/** Runs `task` later, once, at the transport named where there is one. Never within the call. */
export type Schedule = (task: () => void, at?: MemoryTransport) => void;

/** A frame in flight. */
export interface MemoryFrame {
  readonly from: PeerShard;
  readonly to: { readonly node: NodeId; readonly shard: ShardId };
  readonly lane: Lane;
  readonly frame: Uint8Array;
}

/** How frames travel. A simulator's own delays, loses, damages and repeats them. */
export interface Wire {
  /** Runs `arrive` later, once: the oldest frame of the lane then gets to the other side. */
  carry(frame: MemoryFrame, arrive: () => void): void;
  /**
   * What arrives of a frame: its bytes, or others, or fewer (the connection then breaks in
   * mid-frame), or nothing.
   */
  arriving(frame: MemoryFrame): Uint8Array | undefined;
}

export class MemoryNetwork {
  readonly schedule: Schedule;
  readonly wire: Wire;
  private readonly bound = new Map<number, MemoryTransport>();
  private readonly cuts = new Set<string>();
  private portNext = 1;
  private reviewScheduled = false;

  /** @param wire by default every frame arrives whole, when `schedule` runs its task */
  constructor(schedule: Schedule, wire?: Wire) {
    this.schedule = schedule;
    this.wire = wire ?? {
      carry: (_, arrive) => schedule(arrive),
      arriving: ({ frame }) => frame,
    };
  }

  /**
   * Separates two nodes in both directions: links between them go down and what was in flight is
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

  /** Breaks the connections of one node to another at this moment; they are dialled anew. */
  reset(from: NodeId, to: NodeId): void {
    for (const transport of this.bound.values()) {
      if (transport.identity.node === from) transport.sever(to);
    }
    this.changed();
  }

  /**
   * Lets the connections of one node to another carry nothing from now on, though they stay up:
   * what a path does that swallows packets. `endHung` is what comes of the probes that TCP links
   * send: the links are found silent and dialled anew.
   */
  hang(from: NodeId, to: NodeId): void {
    for (const link of this.linksBetween(from, to)) link.hang();
  }

  endHung(from: NodeId, to: NodeId): void {
    for (const link of this.linksBetween(from, to)) link.severIfHung();
    this.changed();
  }

  private linksBetween(from: NodeId, to: NodeId): MemoryLink[] {
    const transports = [...this.bound.values()].filter(({ identity }) => identity.node === from);
    return transports.flatMap((transport) => transport.linksTo(to));
  }

  /**
   * Hands a frame to where it was sent once before, as if it had been in flight until now. Where
   * data lanes are not read it is lost.
   */
  repeat({ from, to, lane, frame }: MemoryFrame): void {
    for (const transport of this.bound.values()) {
      const { node, shard } = transport.identity;
      if (node !== to.node || shard !== to.shard) continue;
      if (lane === "control" || !transport.dataPaused) transport.take(from, frame);
    }
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

  /** What waits on its way to a transport that reads data lanes again. */
  resumeData(transport: MemoryTransport): void {
    for (const other of this.bound.values()) other.resumeTo(transport);
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
      for (const transport of this.bound.values()) {
        this.schedule(() => transport.review(), transport);
      }
    });
  }
}

function pairKey(a: NodeId, b: NodeId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
