/**
 * One replica as its shard would drive it: takes a Ready, writes it, and when the disk says so, tells the core and lets the
 * durable messages go. Several Readys may be on their way to the disk at once, as in pipelined durability.
 */
import assert from "node:assert/strict";
import type { Index, NodeKey, Term } from "../../src/base/index.ts";
import { Raft, blockKind, decodeEntries, encodeEntries } from "../../src/raft/index.ts";
import type {
  AppendGate,
  Configuration,
  ConfirmedRead,
  RaftOptions,
  Ready,
} from "../../src/raft/index.ts";
import { SimulatedDisk, checksumOf } from "./simulated-disk.ts";

export interface AppliedEntry {
  readonly index: Index;
  readonly term: Term;
  /** The command as text; empty for a no-op. */
  readonly text: string;
}

/** A read with the term in which it was confirmed. */
export interface TermedRead extends ConfirmedRead {
  readonly term: Term;
}

export interface ReplicaSetup {
  readonly id: NodeKey;
  readonly configuration: Configuration;
  readonly options: RaftOptions;
  readonly random: (lo: number, hi: number) => number;
}

const applyBytesMax = 64;
const rankOf = (id: NodeKey): number => id;

export class SimulatedReplica {
  readonly id: NodeKey;
  readonly disk: SimulatedDisk = new SimulatedDisk();
  /** Undefined while crashed. */
  raft: Raft | undefined;
  /** What the state machine has seen since the last start. */
  applied: AppliedEntry[] = [];
  confirmedReads: TermedRead[] = [];
  /** Taken, not durable yet. */
  pending: Ready[] = [];
  private readonly setup: ReplicaSetup;

  constructor(setup: ReplicaSetup) {
    this.id = setup.id;
    this.setup = setup;
    this.start();
  }

  get live(): Raft {
    const { raft } = this;
    assert.ok(raft !== undefined, `replica ${this.id} runs`);
    return raft;
  }

  get voters(): readonly NodeKey[] {
    return this.setup.configuration.voters;
  }

  start(): void {
    const { configuration, options, random } = this.setup;
    const environment = { reader: this.disk, checksum: checksumOf, random, rankOf };
    this.raft = new Raft(this.disk.origin(this.id, configuration), options, environment);
    this.applied = [];
    this.confirmedReads = [];
    this.pending = [];
  }

  crash(keptWrites = 0): void {
    this.disk.crash(keptWrites);
    this.raft = undefined;
    this.pending = [];
  }

  /** Hands the Ready to the disk without waiting for it. The caller sends `messages`. Undefined where nothing is to be done. */
  takeReady(gate?: AppendGate): Ready | undefined {
    const ready = this.live.takeReady(gate);
    const { term } = this.live;
    this.confirmedReads.push(...ready.confirmedReads.map((read) => ({ ...read, term })));
    if (isEmpty(ready)) return undefined;
    this.disk.write(ready);
    this.pending.push(ready);
    return ready;
  }

  /** The oldest Ready on its way is durable. The caller sends `durableMessages` to others. */
  persist(): Ready | undefined {
    const ready = this.pending.shift();
    if (ready === undefined) return undefined;
    this.disk.sync();
    this.live.persisted(ready.mark);
    for (const message of ready.durableMessages) {
      if (message.to === this.id) this.live.step(message);
    }
    return ready;
  }

  apply(): void {
    for (;;) {
      const blocks = this.live.nextCommitted(applyBytesMax);
      if (blocks.length === 0) return;
      for (const block of blocks) {
        assert.equal(block.checksum, checksumOf(block.bytes), "a slice carries its own checksum");
        for (const [at, bytes] of decodeEntries(block).entries()) {
          const text = Buffer.from(bytes).toString("latin1");
          this.applied.push({ index: block.first + at, term: block.term, text });
        }
        this.live.applied(block.first + block.count - 1);
      }
    }
  }

  propose(texts: readonly string[]): ReturnType<Raft["propose"]> {
    const bytes = encodeEntries(texts.map((text) => Buffer.from(text, "latin1")));
    return this.live.propose({
      kind: blockKind.command,
      count: texts.length,
      timeMs: 0,
      checksum: checksumOf(bytes),
      bytes,
    });
  }

  /** The terms of the whole log, entry by entry; the first is that of index 1. */
  get terms(): Term[] {
    const { log } = this.live.state;
    return Array.from({ length: log.lastIndex }, (_, at) => log.termAt(at + 1) ?? -1);
  }
}

function isEmpty(ready: Ready): boolean {
  return (
    ready.messages.length === 0 &&
    ready.durableMessages.length === 0 &&
    ready.confirmedReads.length === 0 &&
    ready.roleChange === undefined &&
    !ready.mustPersist
  );
}
