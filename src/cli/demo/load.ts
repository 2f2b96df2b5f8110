/**
 * The load of one node: in each group that it leads a few clients, each with one write of its own key under way. Uses nothing
 * but the engine's public calls.
 */
import { RaftError } from "../../base/index.ts";
import type { Engine } from "../../engine/index.ts";
import { decodeWriteResult, encodePut } from "../../service/index.ts";
import { clientKey, clientsPerGroup, slotOf } from "./demo-options.ts";
import type { DemoOptions } from "./demo-options.ts";
import type { Report } from "./messages.ts";

const reportMs = 20;
/** One latency in this many is kept. */
const sampleEvery = 32;

export class Load {
  private readonly engine: Engine;
  private readonly options: DemoOptions;
  private readonly life: number;
  private readonly send: (report: Report) => void;
  private readonly perGroup: number;
  private readonly commands: Uint8Array[] = [];
  private readonly busy: Uint8Array;
  private acks: number[] = [];
  private led: number[] = [];
  private latencies: number[] = [];
  private writes = 0;
  private sequence = 0;
  private active = false;
  private underway = 0;
  private idle: (() => void) | undefined;
  private readonly timer: NodeJS.Timeout;

  constructor(engine: Engine, options: DemoOptions, life: number, send: (report: Report) => void) {
    this.engine = engine;
    this.options = options;
    this.life = life;
    this.send = send;
    this.perGroup = clientsPerGroup(options);
    this.busy = new Uint8Array(options.groups * this.perGroup);
    this.timer = setInterval(() => this.report(), reportMs);
    engine.on("leaderChanged", ({ group, role }) => {
      if (role !== "leader") return;
      this.led.push(group, Date.now());
      if (this.active) this.startGroup(group);
    });
  }

  start(): void {
    this.active = true;
    for (const { group, role } of this.engine.groups())
      if (role === "leader") this.startGroup(group);
  }

  /** Resolves when no write is under way and everything is reported. */
  async stop(): Promise<void> {
    this.active = false;
    if (this.underway > 0) {
      await new Promise<void>((resolve) => {
        this.idle = resolve;
      });
    }
    this.report();
  }

  end(): void {
    clearInterval(this.timer);
  }

  private startGroup(group: number): void {
    for (let client = 0; client < this.perGroup; client += 1) {
      const slot = slotOf(this.options, group, client);
      if (this.busy[slot] !== 0) continue;
      this.busy[slot] = 1;
      void this.runClient(group, client, slot);
    }
  }

  private async runClient(group: number, client: number, slot: number): Promise<void> {
    const { engine } = this;
    const command = this.commandOf(slot, client);
    const sequenceAt = command.length - this.options.valueBytes;
    this.underway += 1;
    while (this.active) {
      this.sequence += 1;
      writeUint32(command, sequenceAt, this.sequence);
      this.writes += 1;
      const sampled = this.writes % sampleEvery === 0;
      const startMs = sampled ? performance.now() : 0;
      try {
        const { value } = await engine.propose(group, command);
        this.acks.push(slot, decodeWriteResult(value).version);
        if (sampled) this.latencies.push(performance.now() - startMs);
      } catch (error) {
        if (!this.goesOn(slot, error)) break;
      }
    }
    this.busy[slot] = 0;
    this.underway -= 1;
    if (this.underway === 0) this.idle?.();
  }

  /** Notes an unknown outcome. Returns whether this client has more to do here now; it starts again when this node leads again. */
  private goesOn(slot: number, error: unknown): boolean {
    if (!(error instanceof RaftError)) throw error;
    if (error.outcome === "unknown") this.acks.push(slot, 0);
    return error.code === "ERR_BUSY";
  }

  /** The engine copies a command when it is proposed, so each client has one buffer for all its writes. */
  private commandOf(slot: number, client: number): Uint8Array {
    const known = this.commands[slot];
    if (known !== undefined) return known;
    const key = clientKey(this.engine.node, this.life, client);
    const command = encodePut(key, new Uint8Array(this.options.valueBytes));
    this.commands[slot] = command;
    return command;
  }

  private report(): void {
    if (this.acks.length + this.led.length === 0) return;
    this.send({
      kind: "report",
      acks: Uint32Array.from(this.acks),
      led: Float64Array.from(this.led),
      latencies: Float32Array.from(this.latencies),
    });
    this.acks = [];
    this.led = [];
    this.latencies = [];
  }
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
