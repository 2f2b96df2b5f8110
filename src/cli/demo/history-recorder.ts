/**
 * Writes down what the sampled clients of one node do, in a journal: the format of a history, but
 * that a put is there twice, once when it is called and once when it is answered.
 *
 * The call is with the system before the put is proposed. Otherwise a node that is killed would
 * take with it that it ever called, and a value that others read afterwards had been written by
 * nobody. Answers may wait: a put whose answer is lost is one of unknown outcome.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { RaftError } from "../../base/index.ts";
import type { BatchResult } from "../../engine/index.ts";
import { decodeWriteResult } from "../../service/index.ts";
import { formatOperation } from "../../testing/index.ts";
import type { Operation, PutOperation } from "../../testing/index.ts";
import { clientKey } from "./demo-options.ts";
import type { DemoOptions } from "./demo-options.ts";
import { isSampledGroup, sampledClients } from "./history-sample.ts";

/** Where the journals of a run are: beside the nodes' directories. */
export const journalSuffix = ".journal";

/** Who makes the operations: one process's life of a node. */
export interface RecorderIdentity {
  readonly node: string;
  readonly life: number;
}

export class HistoryRecorder {
  readonly identity: RecorderIdentity;
  private readonly options: DemoOptions;
  private readonly file: number;
  private readonly clients: number;
  private lines = "";

  constructor(path: string, options: DemoOptions, identity: RecorderIdentity) {
    this.identity = identity;
    this.options = options;
    this.file = openSync(path, "a");
    this.clients = sampledClients(options);
  }

  /**
   * Notes that clients of a group are about to put, each the sequence number that follows the one
   * before. Returns what has to be told of the outcome, or undefined where none is sampled.
   */
  maybeCallPuts(
    group: number,
    clients: readonly number[],
    firstSequence: number,
  ): ((results: readonly BatchResult[] | RaftError) => void) | undefined {
    if (!isSampledGroup(this.options, group)) return undefined;
    const callUs = nowUs();
    const puts = clients.flatMap((client, at) =>
      client < this.clients ? [{ at, put: this.put(group, client, firstSequence + at) }] : [],
    );
    if (puts.length === 0) return undefined;
    for (const { put } of puts) this.add({ ...put, callUs });
    this.flush();
    return (results) => {
      const returnUs = nowUs();
      for (const { at, put } of puts) {
        const result = results instanceof RaftError ? results : results[at];
        if (result !== undefined) this.add({ ...put, callUs, returnUs, ...answerOf(result) });
      }
    };
  }

  /** Notes an operation that is over; a read without an answer need not be noted. */
  add(operation: Operation): void {
    this.lines += `${formatOperation(operation)}\n`;
  }

  flush(): void {
    if (this.lines !== "") writeSync(this.file, this.lines);
    this.lines = "";
  }

  close(): void {
    this.flush();
    closeSync(this.file);
  }

  private put(group: number, client: number, sequence: number): PutOperation {
    const { node, life } = this.identity;
    const key = clientKey(node, life, client);
    return {
      client: key,
      group,
      key,
      callUs: 0,
      returnUs: undefined,
      kind: "put",
      arguments: { value: `${sequence}` },
      result: "unknown",
    };
  }
}

function answerOf(result: BatchResult): Pick<PutOperation, "result" | "index"> {
  if (result instanceof RaftError) return { result: result.outcome };
  if (!decodeWriteResult(result.value).ok) return { result: "none" };
  return { result: "done", index: result.index };
}

/** The clock of the machine, which all its processes share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
