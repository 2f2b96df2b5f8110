/**
 * Reads the sampled keys while the load runs, and all of them once more when it has ended: puts
 * alone would be linearizable whatever became of them. One reader a group, each with pauses, so
 * that the readers are a small part of the load.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RaftError } from "../../base/index.ts";
import type { Engine } from "../../engine/index.ts";
import { decodeGetAnswer, encodeGet } from "../../service/index.ts";
import type { ReadValue } from "../../testing/index.ts";
import type { DemoOptions } from "./demo-options.ts";
import { nowUs } from "./history-recorder.ts";
import type { HistoryRecorder } from "./history-recorder.ts";
import { sampledGroups, sampledKeys } from "./history-sample.ts";

const pauseMs = 20;

export class HistoryReader {
  private readonly engine: Engine;
  private readonly recorder: HistoryRecorder;
  private readonly groups: readonly number[];
  private readonly keys: readonly string[];
  private active = false;
  private running: Promise<void>[] = [];

  constructor(engine: Engine, options: DemoOptions, recorder: HistoryRecorder) {
    const { node, life } = recorder.identity;
    this.engine = engine;
    this.recorder = recorder;
    this.groups = sampledGroups(options);
    this.keys = sampledKeys(options, node, life);
  }

  start(): void {
    this.active = true;
    this.running = this.groups.map((group) => this.run(group));
  }

  /** Resolves when every key was read once more and all is written down. */
  async stop(): Promise<void> {
    this.active = false;
    await Promise.all(this.running);
    await Promise.all(this.groups.map((group) => this.readAll(group)));
    this.recorder.flush();
  }

  private async run(group: number): Promise<void> {
    while (this.active) {
      for (const key of this.keys) {
        if (!this.active) return;
        await this.read(group, key);
        await sleep(pauseMs);
      }
    }
  }

  private async readAll(group: number): Promise<void> {
    for (const key of this.keys) await this.read(group, key);
  }

  private async read(group: number, key: string): Promise<void> {
    const { engine, recorder } = this;
    const { node, life } = recorder.identity;
    const client = `${node}.${life}.reader`;
    const query = encodeGet(key);
    try {
      const base = { client, group, key };
      const callUs = nowUs();
      const newest = await engine.read(group, query, { forward: true });
      const result = resultOf(newest.value);
      const { index } = newest;
      const returnUs = nowUs();
      recorder.add({ ...base, callUs, returnUs, kind: "get", arguments: {}, result, index });
      const localUs = nowUs();
      const local = await engine.readLocal(group, query);
      recorder.add({
        ...base,
        callUs: localUs,
        returnUs: nowUs(),
        kind: "getLocal",
        arguments: { node, life },
        result: resultOf(local.value),
        index: local.appliedIndex,
      });
    } catch (error) {
      // There is no leader, or it is too slow: a read without an answer says nothing.
      if (!(error instanceof RaftError)) throw error;
    }
  }
}

/** The sequence number that a value of the demo begins with. */
function resultOf(answer: Uint8Array): ReadValue {
  const record = decodeGetAnswer(answer);
  if (record === undefined) return { value: null };
  const { buffer, byteOffset } = record.value;
  return { value: `${new DataView(buffer, byteOffset).getUint32(0)}` };
}
