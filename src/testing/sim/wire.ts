/**
 * The simulated network's temper: when frames arrive, in which state, and whether at all. The
 * connections themselves are MemoryTransports.
 */
import type { NodeId, Prng } from "../../base/index.ts";
import type { Lane, MemoryFrame, MemoryNetwork, Wire } from "../../transport/index.ts";
import { bodyOfFrame, readMessages } from "../../wire/index.ts";
import type { ShardMessage } from "../../wire/index.ts";
import { eventKind } from "./agenda.ts";
import type { Actor, Agenda } from "./agenda.ts";
import type { SentMessage } from "./check.ts";
import type { Tally } from "./tally.ts";

/** Rates are chances a frame, 0 to 1. */
export interface WireTemper {
  readonly delayUs: number;
  /** How often a frame takes up to `tailUs` instead. */
  readonly tailRate: number;
  readonly tailUs: number;
  readonly lossRate: number;
  /** A frame of the algorithm arrives again, up to `tailUs` and more later. */
  readonly repeatRate: number;
  readonly flipRate: number;
  /** The connection breaks in mid-frame. */
  readonly breakRate: number;
}

/** What the wire needs of the world. */
export interface WireWorld {
  readonly agenda: Agenda;
  readonly tally: Tally;
  actorOf(node: NodeId, shard: number): Actor | undefined;
  onSend(sent: SentMessage): void;
  onShardMessage(from: NodeId, to: NodeId, message: ShardMessage): void;
}

/** A frame may come again this much later than any other, in units of `tailUs`. */
const staleFactor = 20;

/** From one node to another. */
interface Way {
  /** Every frame is lost silently. */
  blocked: boolean;
  severed: boolean;
  /** Nothing moves on a lane until then. */
  readonly cloggedUntilUs: Record<Lane, number>;
  /** By shards and lane: frames of one lane stay in their order. */
  readonly lastArrivalUs: number[];
}

/** Shards of a simulated node at the most. */
const shardsMax = 10;

export class SimulatedWire implements Wire {
  network: MemoryNetwork | undefined;
  temper: WireTemper;
  private readonly world: WireWorld;
  private readonly prng: Prng;
  private readonly ways: Map<NodeId, Map<NodeId, Way>> = new Map();

  constructor(world: WireWorld, prng: Prng, temper: WireTemper) {
    this.world = world;
    this.prng = prng;
    this.temper = temper;
  }

  block(from: NodeId, to: NodeId): void {
    this.way(from, to).blocked = true;
  }

  unblock(from: NodeId, to: NodeId): void {
    this.way(from, to).blocked = false;
  }

  /** Blocks a way for good: no partition's end brings it back. */
  sever(from: NodeId, to: NodeId): void {
    this.way(from, to).severed = true;
  }

  clog(from: NodeId, to: NodeId, lane: Lane, untilUs: number): void {
    this.way(from, to).cloggedUntilUs[lane] = untilUs;
  }

  /** No way is blocked or clogged any more. */
  clear(): void {
    for (const ways of this.ways.values()) {
      for (const way of ways.values()) {
        way.blocked = false;
        way.cloggedUntilUs.control = 0;
        way.cloggedUntilUs.data = 0;
      }
    }
  }

  carry(frame: MemoryFrame, arrive: () => void): void {
    const { from, to, lane } = frame;
    const { agenda } = this.world;
    this.show(frame);
    const { cloggedUntilUs, lastArrivalUs } = this.way(from.node, to.node);
    let atUs = agenda.nowUs + this.delay();
    if (cloggedUntilUs[lane] > atUs) {
      this.world.tally.fault("frame in a clogged lane");
      atUs = cloggedUntilUs[lane];
    }
    const place = (from.shard * shardsMax + to.shard) * 2 + (lane === "data" ? 1 : 0);
    atUs = Math.max(atUs, (lastArrivalUs[place] ?? 0) + 1);
    lastArrivalUs[place] = atUs;
    agenda.at(atUs, eventKind.frame, arrive, this.world.actorOf(to.node, to.shard));
  }

  arriving(frame: MemoryFrame): Uint8Array | undefined {
    const { temper, prng, world } = this;
    const { from, to } = frame;
    world.agenda.note(frame.frame.length);
    if (this.isBlocked(from.node, to.node)) {
      world.tally.fault("frame into a partition");
      return undefined;
    }
    if (prng.chance(temper.lossRate)) {
      world.tally.fault("frame lost");
      return undefined;
    }
    if (prng.chance(temper.repeatRate)) this.repeatLater(frame);
    if (prng.chance(temper.flipRate)) {
      world.tally.fault("bit flipped in a frame");
      const damaged = frame.frame.slice();
      const at = prng.between(0, damaged.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << prng.between(0, 8));
      return damaged;
    }
    if (prng.chance(temper.breakRate)) {
      world.tally.fault("connection broken in mid-frame");
      return frame.frame.subarray(0, prng.between(0, frame.frame.length));
    }
    return frame.frame;
  }

  private way(from: NodeId, to: NodeId): Way {
    let ways = this.ways.get(from);
    if (ways === undefined) {
      ways = new Map();
      this.ways.set(from, ways);
    }
    let way = ways.get(to);
    if (way === undefined) {
      way = {
        blocked: false,
        severed: false,
        cloggedUntilUs: { control: 0, data: 0 },
        lastArrivalUs: [],
      };
      ways.set(to, way);
    }
    return way;
  }

  private isBlocked(from: NodeId, to: NodeId): boolean {
    const { blocked, severed } = this.way(from, to);
    return blocked || severed;
  }

  private delay(): number {
    const { delayUs, tailRate, tailUs } = this.temper;
    if (this.prng.chance(tailRate)) {
      this.world.tally.fault("frame delayed for long");
      return this.prng.between(delayUs, delayUs + tailUs + 1);
    }
    return this.prng.between(Math.floor(delayUs / 2), delayUs * 2 + 1);
  }

  /**
   * The algorithm takes its messages any number of times and however late; requests between shards
   * rely on the transport's "at most once", so their frames are not repeated.
   */
  private repeatLater(frame: MemoryFrame): void {
    const { agenda, tally } = this.world;
    let requests = 0;
    readMessages(bodyOfFrame(frame.frame), 1, 2, {
      onMessage: () => {},
      onShardMessage: ({ kind }) => {
        if (kind !== "shardAlive" && kind !== "shardClosing") requests += 1;
      },
    });
    if (requests > 0) return;
    const { delayUs, tailUs } = this.temper;
    const lateUs = this.prng.chance(0.2) ? (delayUs + tailUs) * staleFactor : delayUs * 4;
    const atUs = agenda.nowUs + this.prng.between(1, lateUs + 2);
    const copy = { ...frame, frame: frame.frame.slice() };
    const sender = this.world.actorOf(frame.from.node, frame.from.shard);
    const again = (): void => {
      if (this.isBlocked(frame.from.node, frame.to.node)) return;
      tally.fault(sender?.alive === true ? "frame repeated" : "frame of an earlier life");
      this.network?.repeat(copy);
    };
    // Whoever has the port by then gets it.
    agenda.at(atUs, eventKind.network, () => {
      const receiver = this.world.actorOf(frame.to.node, frame.to.shard);
      agenda.at(agenda.nowUs, eventKind.frame, again, receiver);
    });
  }

  private show({ from, to, frame }: MemoryFrame): void {
    const { world } = this;
    readMessages(bodyOfFrame(frame), 1, 2, {
      onMessage: (group, incarnation, message) => {
        world.onSend({ from: from.node, to: to.node, group, incarnation, message });
      },
      onShardMessage: (message) => world.onShardMessage(from.node, to.node, message),
    });
  }
}
