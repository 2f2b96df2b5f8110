/**
 * The life of one shard, from its start to its crash or end: the real Shard, given the simulated
 * clock, network and disk. Nothing that it does after its death has any effect.
 */
import { none } from "../../base/index.ts";
import type { NodeId, Prng, ShardId } from "../../base/index.ts";
import type { LogStore } from "../../log/index.ts";
import { InHand, Shard } from "../../shard/index.ts";
import type {
  CreateStateMachine,
  ShardEnvironment,
  ShardEvent,
  StateMachine,
} from "../../shard/index.ts";
import type { ShardOptions } from "../../shard/index.ts";
import type { MemoryTransport } from "../../transport/index.ts";
import { eventKind } from "./agenda.ts";
import type { Actor, Agenda } from "./agenda.ts";
import type { SimulatedClock } from "./simulated-clock.ts";
import { MailClient } from "./mail-client.ts";

export interface ShardParts {
  readonly node: NodeId;
  readonly shardId: ShardId;
  readonly agenda: Agenda;
  readonly prng: Prng;
  readonly clock: SimulatedClock;
  readonly options: ShardOptions;
  readonly transport: MemoryTransport;
  readonly createStateMachine: CreateStateMachine;
  /** What a machine's work on one entry or query takes now, in µs of the simulated clock. */
  readonly machineUs: () => number;
  readonly onEvent: (slot: SimulatedShard, event: ShardEvent) => void;
  readonly onTurn: (slot: SimulatedShard) => void;
}

/** A thread comes to a task that waits within so many µs. */
const soonUs = 20;
/** Mail between the threads takes up to this long. */
const mailUs = 60;

export class SimulatedShard implements Actor {
  readonly node: NodeId;
  readonly shardId: ShardId;
  readonly transport: MemoryTransport;
  readonly client: MailClient;
  alive = true;
  blockedUntilUs = 0;
  /** Its store is open and its port is bound. */
  isOpen = false;
  private readonly parts: ShardParts;
  private running: Shard | undefined;
  /** What state machines have taken of the present task, in simulated µs. */
  private spentUs = 0;
  private heldUntilUs = 0;
  /** Until then its thread is at work. */
  private busyUntilUs = 0;
  /** Its engine's thread reads no mail until then. */
  private engineStalledUntilUs = 0;
  /** Mail that its engine has not read, the oldest first. */
  private readonly posted: ArrayBuffer[] = [];

  constructor(parts: ShardParts) {
    this.parts = parts;
    this.node = parts.node;
    this.shardId = parts.shardId;
    this.transport = parts.transport;
    const { agenda, prng } = parts;
    this.client = new MailClient(
      parts.options.shardBytesMax,
      () => {
        agenda.at(agenda.nowUs + prng.between(1, mailUs), eventKind.mail, () => this.hand(), this);
      },
      (event) => parts.onEvent(this, event),
    );
  }

  get shard(): Shard {
    if (this.running === undefined) throw new RangeError("the shard has not been started");
    return this.running;
  }

  /** Opens the shard over a store; resolves when it can be started. */
  open(store: LogStore): Promise<void> {
    this.running = new Shard(this.environment(store), this.parts.options);
    return this.running.open({ recover: true, held: none });
  }

  /** Its thread does not run until then. */
  block(untilUs: number): void {
    this.blockedUntilUs = Math.max(this.blockedUntilUs, untilUs);
  }

  /**
   * A flush holds its thread, or its process stands still: until then it can find out nothing about
   * its disk either.
   */
  hold(untilUs: number): void {
    this.heldUntilUs = Math.max(this.heldUntilUs, untilUs);
    this.block(untilUs);
  }

  /** When that has last let its thread go. */
  get letGoUs(): number {
    return this.heldUntilUs;
  }

  unblock(): void {
    this.heldUntilUs = Math.min(this.heldUntilUs, this.parts.agenda.nowUs);
    this.blockedUntilUs = this.busyUntilUs;
    this.parts.agenda.rescheduled(this);
  }

  afterTask(): void {
    if (this.spentUs > 0) {
      // What it saw pass on its clock has passed when it does anything else.
      this.busyUntilUs = this.parts.agenda.nowUs + this.spentUs;
      this.spentUs = 0;
      this.block(this.busyUntilUs);
    }
    if (this.alive) this.parts.onTurn(this);
  }

  private environment(store: LogStore): ShardEnvironment {
    const { node, shardId, agenda, prng, clock, transport } = this.parts;
    return {
      node,
      incarnation: transport.identity.incarnation,
      shard: shardId,
      clock: {
        wallMs: () => clock.wallMs(),
        monotonicMs: () => clock.monotonicMs() + clock.ownMs(this.spentUs),
      },
      scheduler: {
        soon: (task) =>
          agenda.at(agenda.nowUs + prng.between(1, soonUs), eventKind.soon, task, this),
        every: (ms, task) => this.every(ms, task),
      },
      prng,
      store,
      transport,
      inHand: new InHand(),
      createStateMachine: (context) => this.timed(this.parts.createStateMachine(context)),
      post: (mail) => {
        if (!this.alive) return;
        this.posted.push(mail);
        this.deliverAt(agenda.nowUs + prng.between(1, mailUs));
      },
    };
  }

  stallEngine(untilUs: number): void {
    this.engineStalledUntilUs = Math.max(this.engineStalledUntilUs, untilUs);
  }

  unstallEngine(): void {
    this.engineStalledUntilUs = 0;
    for (let left = this.posted.length; left > 0; left -= 1) {
      this.deliverAt(this.parts.agenda.nowUs);
    }
  }

  private deliverAt(atUs: number): void {
    const { agenda } = this.parts;
    agenda.at(atUs, eventKind.mail, () => {
      if (!this.alive) return;
      if (agenda.nowUs < this.engineStalledUntilUs) {
        this.deliverAt(this.engineStalledUntilUs);
        return;
      }
      const mail = this.posted.shift();
      if (mail !== undefined) this.client.receive(mail);
    });
  }

  /** A machine whose work takes time on this shard's thread. */
  private timed(machine: StateMachine): StateMachine {
    const spend = (): void => {
      this.spentUs += this.parts.machineUs();
    };
    return {
      apply(entry) {
        spend();
        return machine.apply(entry);
      },
      query(query) {
        spend();
        return machine.query(query);
      },
      digest: () => machine.digest?.() ?? "",
      onRole: (...change) => machine.onRole?.(...change),
      close: () => machine.close?.(),
    };
  }

  private every(ms: number, task: () => void): () => void {
    const { agenda, clock } = this.parts;
    let stopped = false;
    const arm = (): void => {
      const atUs = agenda.nowUs + clock.simulatedUs(ms);
      const run = (): void => {
        if (stopped) return;
        arm();
        task();
      };
      agenda.at(atUs, eventKind.timer, run, this);
    };
    arm();
    return () => {
      stopped = true;
    };
  }

  private hand(): void {
    const mail = this.client.takeMail();
    if (mail !== undefined) this.shard.receive(mail);
  }
}
