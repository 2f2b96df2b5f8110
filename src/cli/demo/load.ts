/**
 * The load of one node: in each group that it leads a few clients, each with one write of its own
 * key outstanding. The clients of a group hand in their writes together, as a service does with
 * what its connections brought in one turn. Uses nothing but the engine's public calls.
 */
import { RaftError } from "../../base/index.ts";
import type { BatchResult, Engine } from "../../engine/index.ts";
import { decodeWriteResult, encodePut } from "../../service/index.ts";
import { clientKey, clientsPerGroup, slotOf } from "./demo-options.ts";
import type { DemoOptions } from "./demo-options.ts";
import type { HistoryRecorder } from "./history-recorder.ts";
import type { Report } from "./messages.ts";

const reportMs = 20;
/** The latency of one call in this many is kept. */
const sampleEvery = 8;

export interface LoadSinks {
  readonly send: (report: Report) => void;
  /** Keeps the history of some clients, where one is asked for. */
  readonly recorder: HistoryRecorder | undefined;
}

export class Load {
  private readonly engine: Engine;
  private readonly options: DemoOptions;
  private readonly life: number;
  private readonly send: (report: Report) => void;
  private readonly recorder: HistoryRecorder | undefined;
  private readonly perGroup: number;
  private readonly commands: Uint8Array[] = [];
  private readonly busy: Uint8Array;
  private acks: number[] = [];
  private led: number[] = [];
  private latencies: number[] = [];
  private calls = 0;
  private sequence = 0;
  private active = false;
  private inFlight = 0;
  private idle: (() => void) | undefined;
  private readonly timer: NodeJS.Timeout;

  constructor(engine: Engine, options: DemoOptions, life: number, { send, recorder }: LoadSinks) {
    this.engine = engine;
    this.options = options;
    this.life = life;
    this.send = send;
    this.recorder = recorder;
    this.perGroup = clientsPerGroup(options);
    this.busy = new Uint8Array(options.groups);
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

  /** Resolves when no write is outstanding and everything is reported. */
  async stop(): Promise<void> {
    this.active = false;
    if (this.inFlight > 0) {
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
    if (this.busy[group] !== 0) return;
    this.busy[group] = 1;
    this.inFlight += 1;
    const clients = Array.from({ length: this.perGroup }, (_, client) => client);
    const running = this.options.single
      ? Promise.all(clients.map((client) => this.run(group, [client])))
      : this.run(group, clients);
    void running.then(() => {
      this.busy[group] = 0;
      this.inFlight -= 1;
      if (this.inFlight === 0) this.idle?.();
    });
  }

  /**
   * Writes for some clients of a group again and again: theirs leave together, and each waits for
   * its own result.
   */
  private async run(group: number, clients: readonly number[]): Promise<void> {
    const slots = clients.map((client) => slotOf(this.options, group, client));
    const commands = clients.map((client, at) => this.commandOf(slots[at] ?? 0, client));
    while (this.active) {
      const settle = this.recorder?.maybeCallPuts(group, clients, this.sequence + 1);
      for (const command of commands) {
        this.sequence += 1;
        writeUint32(command, command.length - this.options.valueBytes, this.sequence);
      }
      this.calls += 1;
      const startMs = this.calls % sampleEvery === 0 ? performance.now() : 0;
      try {
        const results = await this.propose(group, commands);
        settle?.(results);
        for (const [at, result] of results.entries()) this.note(slots[at] ?? 0, result);
        if (startMs > 0) this.latencies.push(performance.now() - startMs);
      } catch (error) {
        if (!(error instanceof RaftError)) throw error;
        settle?.(error);
        for (const slot of slots) this.note(slot, error);
        // It starts again when this node leads again.
        if (error.code !== "ERR_BUSY") break;
      }
    }
  }

  private async propose(
    group: number,
    commands: readonly Uint8Array[],
  ): Promise<readonly BatchResult[]> {
    const [command] = commands;
    if (command === undefined || commands.length > 1) {
      return await this.engine.proposeBatch(group, commands);
    }
    return [await this.engine.propose(group, command)];
  }

  private note(slot: number, result: BatchResult): void {
    if (!(result instanceof RaftError)) {
      this.acks.push(slot, decodeWriteResult(result.value).version);
    } else if (result.outcome === "unknown") this.acks.push(slot, 0);
  }

  /**
   * The engine copies a command when it is proposed, so each client has one buffer for all its
   * writes.
   */
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
      acks: new Uint32Array(this.acks),
      led: new Float64Array(this.led),
      latencies: new Float32Array(this.latencies),
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
