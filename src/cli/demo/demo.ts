/**
 * The demo, the engine's main job from end to end: three processes, real sockets and disks, a load,
 * a SIGKILL in the middle of it, and a check of every acknowledged write on every replica, before
 * and after a restart of all nodes.
 */
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../base/index.ts";
import { moduleBeside } from "../module-beside.ts";
import { NodeProcess } from "../node-process.ts";
import type { Progress } from "../progress.ts";
import { UsageError } from "../run-program.ts";
import { withTemporaryDirectory } from "../temporary-directory.ts";
import { clientsPerGroup, demoNodes } from "./demo-options.ts";
import type { DemoOptions } from "./demo-options.ts";
import { Ledger } from "./ledger.ts";
import type { CheckResult, NodeStats, Positions, Report, ToNode } from "./messages.ts";
import { sameIndexes, standStill } from "./positions.ts";
import { writeHistory } from "./write-history.ts";

/** The figures of a run. Times in ms, rates a second. */
export interface DemoResult {
  readonly ok: boolean;
  readonly options: DemoOptions;
  /** While all three nodes ran, before the kill. */
  readonly proposalsPerSecond: number;
  /** From the start of the load to its end, the kill and the catch-up included. */
  readonly proposalsPerSecondOverall: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  /** Flushes of all three nodes, in the same span as proposalsPerSecond. */
  readonly fsyncsPerSecond: number;
  /**
   * CPU time of all three nodes, load included, for one proposal on its three replicas, in µs; same
   * span.
   */
  readonly cpuMicrosPerProposal: number;
  readonly acknowledged: number;
  readonly unknownOutcome: number;
  /** Groups that the killed node led, and how long they had no leader. */
  readonly groupsWithoutLeader: number;
  readonly leaderlessP50Ms: number;
  readonly leaderlessWorstMs: number;
  readonly catchUpMs: number;
  readonly restartMs: number;
  readonly bytesOnDisk: number;
  /** Keys compared on all replicas, in both checks. */
  readonly keysChecked: number;
  readonly violations: readonly string[];
}

type SteadyFigures = Pick<
  DemoResult,
  | "proposalsPerSecond"
  | "fsyncsPerSecond"
  | "cpuMicrosPerProposal"
  | "latencyP50Ms"
  | "latencyP99Ms"
>;

type DemoNode = NodeProcess<ToNode, Report>;
const nodeMain = moduleBeside(import.meta.url, "node-main");

/** How long anything that must come to an end may take. */
const settleMs = 120_000;

export async function runDemo(options: DemoOptions, progress: Progress): Promise<DemoResult> {
  const { history } = options;
  // Better now than after the run, if it cannot be written.
  if (history !== undefined) await openHistory(history);
  const place = { parent: tmpdir(), name: "flotilla-demo-" };
  return await withTemporaryDirectory(place, async (base, signal) => {
    const demo = new Demo(options, progress, { base, signal });
    // Whatever waits for a node's answer fails with it, and the run ends.
    signal.addEventListener("abort", () => void demo.killAll());
    try {
      return await demo.run();
    } finally {
      await demo.killAll();
      if (history !== undefined) await writeHistory(base, history);
    }
  });
}

/** @throws UsageError if the file cannot be written */
async function openHistory(file: string): Promise<void> {
  try {
    await writeFile(file, "");
  } catch (error) {
    throw new UsageError(`--history ${file} cannot be written: ${messageOf(error)}`);
  }
}

class Demo {
  private readonly options: DemoOptions;
  private readonly progress: Progress;
  private readonly base: string;
  private readonly signal: AbortSignal;
  private readonly ledger = new Ledger();
  private readonly nodes = new Map<string, DemoNode>();
  private readonly addresses: Record<string, string> = {};
  private readonly lives = new Map<string, number>();
  private readonly violations: string[] = [];
  private keysChecked = 0;

  constructor(
    options: DemoOptions,
    progress: Progress,
    { base, signal }: { readonly base: string; readonly signal: AbortSignal },
  ) {
    this.options = options;
    this.progress = progress;
    this.base = base;
    this.signal = signal;
  }

  async run(): Promise<DemoResult> {
    const { options, progress, ledger } = this;
    const { groups, seconds } = options;
    progress.phase(`starting ${demoNodes.length} nodes`);
    await Promise.all(demoNodes.map((node) => this.start(node)));
    progress.phase(`creating ${groups} groups`);
    await this.createGroups();

    progress.phase(`load: ${clientsPerGroup(options)} clients a group`, () => ledger.acknowledged);
    const loadStart = performance.now();
    await this.all((node) => node.ask({ kind: "startLoad" }));
    // At first code is compiled and pipes fill.
    await this.pause(Math.min(4_000, seconds * 200));
    const steady = await this.measure(() => this.pause(seconds * 300));

    const failover = await this.killOne("n3", seconds * 200);
    progress.phase("n3 starts again", () => ledger.acknowledged);
    const catchUpMs = await this.restartOne("n3");
    await this.pause(Math.max(0, seconds * 1_000 - (performance.now() - loadStart)));
    await this.all((node) => node.ask({ kind: "stopLoad" }));
    const overall = (ledger.acknowledged * 1_000) / (performance.now() - loadStart);

    progress.phase("checking every acknowledged write on every replica");
    await this.check();
    const { bytesStored: bytesOnDisk } = await this.sums();
    progress.phase("restarting all nodes");
    const restartMs = await this.restartAll();
    progress.phase("checking again");
    await this.check();
    await this.all((node) => node.close({ kind: "close" }));
    this.nodes.clear();
    const violations = [...this.violations, ...ledger.samples];
    return {
      ok: violations.length === 0 && ledger.violations === 0,
      options,
      ...steady,
      proposalsPerSecondOverall: Math.round(overall),
      acknowledged: ledger.acknowledged,
      unknownOutcome: ledger.unknown,
      ...failover,
      catchUpMs,
      restartMs,
      bytesOnDisk,
      keysChecked: this.keysChecked,
      violations,
    };
  }

  private async start(node: string): Promise<void> {
    const life = (this.lives.get(node) ?? 0) + 1;
    this.lives.set(node, life);
    const onReport = this.ledger.begin(this.options, node, life);
    const process: DemoNode = new NodeProcess(node, nodeMain, onReport);
    this.nodes.set(node, process);
    const dir = join(this.base, node);
    const { options } = this;
    this.addresses[node] = await process.ask<string>({ kind: "open", node, life, dir, options });
    // Ports are the system's choice: everybody that is up learns the new one.
    const { addresses } = this;
    if (this.nodes.size < demoNodes.length || !allKnown(addresses)) return;
    await this.all((other) => other.ask({ kind: "peers", addresses }));
  }

  /** Each node creates a third of the groups and so leads them. */
  private async createGroups(): Promise<void> {
    const share = demoNodes.map((): number[] => []);
    for (let group = 0; group < this.options.groups; group += 1) {
      share[group % demoNodes.length]?.push(group);
    }
    await Promise.all(
      demoNodes.map((node, at) =>
        this.node(node).ask({ kind: "createGroups", groups: share[at] ?? [] }),
      ),
    );
  }

  private async measure(during: () => Promise<void>): Promise<SteadyFigures> {
    const { ledger } = this;
    ledger.takeLatencies();
    const before = await this.sums();
    const writes = ledger.acknowledged;
    const start = performance.now();
    await during();
    const proposals = ledger.acknowledged - writes;
    const seconds = (performance.now() - start) / 1_000;
    const latencies = ledger.takeLatencies();
    const after = await this.sums();
    const cpuMicros = (after.cpuMicros - before.cpuMicros) / Math.max(1, proposals);
    return {
      proposalsPerSecond: Math.round(proposals / seconds),
      fsyncsPerSecond: Math.round((after.flushes - before.flushes) / seconds),
      cpuMicrosPerProposal: Math.round(cpuMicros * 100) / 100,
      latencyP50Ms: percentile(latencies, 0.5),
      latencyP99Ms: percentile(latencies, 0.99),
    };
  }

  private async killOne(
    node: string,
    forMs: number,
  ): Promise<Pick<DemoResult, "groupsWithoutLeader" | "leaderlessP50Ms" | "leaderlessWorstMs">> {
    const { ledger, progress } = this;
    const led = await this.groupsLedBy(node);
    progress.phase(
      `SIGKILL of ${node}, which leads ${led.length} groups`,
      () => ledger.acknowledged,
    );
    const killMs = Date.now();
    await this.node(node).kill();
    this.nodes.delete(node);
    ledger.endByKill(node);
    await this.pause(forMs);
    await this.until(`every group of ${node} has a new leader`, () =>
      Promise.resolve(ledger.ledAfter(led, killMs).every((ms) => ms !== undefined)),
    );
    const gaps = ledger.ledAfter(led, killMs).map((ms) => (ms ?? killMs) - killMs);
    gaps.sort((a, b) => a - b);
    return {
      groupsWithoutLeader: led.length,
      leaderlessP50Ms: percentile(gaps, 0.5),
      leaderlessWorstMs: gaps.at(-1) ?? 0,
    };
  }

  private async groupsLedBy(node: string): Promise<number[]> {
    return await this.node(node).ask<number[]>({ kind: "led" });
  }

  /** Catching up means: everything that was committed when the node came back is applied there. */
  private async restartOne(node: string): Promise<number> {
    const start = performance.now();
    await this.start(node);
    const others = await Promise.all(
      demoNodes.filter((other) => other !== node).map((other) => this.positions(other)),
    );
    const target = others[0]?.commit.map((commit, group) =>
      Math.max(commit, others[1]?.commit[group] ?? 0),
    );
    await this.until(`${node} has caught up`, async () => {
      const { applied } = await this.positions(node);
      return applied.every((index, group) => index >= (target?.[group] ?? 0));
    });
    await this.node(node).ask({ kind: "startLoad" });
    return Math.round(performance.now() - start);
  }

  private async restartAll(): Promise<number> {
    await this.all((node) => node.close({ kind: "close" }));
    this.nodes.clear();
    for (const node of demoNodes) delete this.addresses[node];
    const start = performance.now();
    await Promise.all(demoNodes.map((node) => this.start(node)));
    await this.until("every group has a leader", async () => {
      const { leaders } = await this.sums();
      return leaders === this.options.groups;
    });
    return Math.round(performance.now() - start);
  }

  /** Compares keys with promises and replicas with each other, once nothing changes any more. */
  private async check(): Promise<void> {
    let results: CheckResult[] = [];
    await this.until("all replicas stand at the same index", async () => {
      const all = await Promise.all(demoNodes.map((node) => this.positions(node)));
      if (!standStill(all)) return false;
      results = await Promise.all(
        demoNodes.map((node) =>
          this.node(node).ask<CheckResult>({ kind: "check", lives: this.ledger.lives }),
        ),
      );
      // A leader elected meanwhile has appended an entry of its own: then the next look counts.
      return sameIndexes(results.map(({ applied }) => applied));
    });
    for (const { keys, samples } of results) {
      this.keysChecked += keys;
      this.violations.push(...samples);
    }
    for (let group = 0; group < this.options.groups; group += 1) {
      const states = new Set(results.map(({ digests }) => digests[group]));
      if (states.size > 1)
        this.violations.push(`group ${group} differs: ${[...states].join(" | ")}`);
    }
  }

  private async positions(node: string): Promise<Positions> {
    return await this.node(node).ask<Positions>({ kind: "positions" });
  }

  /** What all nodes that run say of themselves, added up. */
  private async sums(): Promise<NodeStats> {
    const all = await Promise.all(
      [...this.nodes.values()].map((node) => node.ask<NodeStats>({ kind: "stats" })),
    );
    return {
      cpuMicros: sum(all.map(({ cpuMicros }) => cpuMicros)),
      flushes: sum(all.map(({ flushes }) => flushes)),
      bytesStored: sum(all.map(({ bytesStored }) => bytesStored)),
      leaders: sum(all.map(({ leaders }) => leaders)),
    };
  }

  private async all(action: (node: DemoNode) => Promise<unknown>): Promise<void> {
    await Promise.all([...this.nodes.values()].map(action));
  }

  private node(node: string): DemoNode {
    const found = this.nodes.get(node);
    if (found === undefined) throw new Error(`${node} is not running`);
    return found;
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal });
  }

  private async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + settleMs;
    while (!(await holds())) {
      if (performance.now() > deadline) {
        throw new Error(`Waited ${settleMs} ms in vain until ${what}`);
      }
      await this.pause(100);
    }
  }

  async killAll(): Promise<void> {
    await this.all((node) => node.kill());
  }
}

function allKnown(addresses: Readonly<Record<string, string>>): boolean {
  return demoNodes.every((node) => addresses[node] !== undefined);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Of sorted values; 0 where there are none. */
function percentile(sorted: readonly number[], ratio: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * ratio))] ?? 0;
  return Math.round(value * 100) / 100;
}
