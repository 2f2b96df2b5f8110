/**
 * Nodes on loopback, each a process of its own, with their groups created and their leaders spread
 * evenly. Whatever ends a run ends its processes: closing, a failure, Ctrl-C.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NodeProcess, moduleBeside } from "../../../src/cli/index.ts";
import type { LoadSettings, Work } from "../load/load.ts";
import { namesOf } from "./cluster-settings.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import type { NodeCounters, NodeWindow, Opened, Report, ToNode } from "./node-messages.ts";
import { sumOfWindows } from "./load-window.ts";
import type { LoadWindow } from "./load-window.ts";

const nodeMain = moduleBeside(import.meta.url, "node-main");

export type BenchNode = NodeProcess<ToNode, Report>;

export interface ClusterPlace {
  /** Each node gets a directory of its own below it. */
  readonly dir: string;
  /** Aborted when the run must end: every process is killed then. */
  readonly signal: AbortSignal;
}

export interface GroupsToCreate {
  /** Groups `first` to `first + count - 1`; by default 0 and as many as the settings say. */
  readonly first?: number;
  readonly count?: number;
  /** The nodes that create them, in turns, and so lead them; by default all. */
  readonly leaders?: readonly string[];
}

export class Cluster implements AsyncDisposable {
  readonly settings: ClusterSettings;
  readonly names: readonly string[];
  private readonly place: ClusterPlace;
  private readonly nodes: Map<string, BenchNode> = new Map();
  private readonly addresses: Record<string, string> = {};
  private readonly done: Map<string, number> = new Map();
  private readonly onAbort = (): void => void this.killAll();

  /** Starts the nodes, without groups. Close it also when something fails afterwards. */
  static async open(settings: ClusterSettings, place: ClusterPlace): Promise<Cluster> {
    const cluster = new Cluster(settings, place);
    try {
      await cluster.startAll();
      return cluster;
    } catch (error) {
      await cluster.killAll();
      throw error;
    }
  }

  private constructor(settings: ClusterSettings, place: ClusterPlace) {
    place.signal.throwIfAborted();
    this.settings = settings;
    this.place = place;
    this.names = namesOf(settings.nodes);
    place.signal.addEventListener("abort", this.onAbort);
  }

  private async startAll(): Promise<void> {
    await Promise.all(this.names.map((name) => this.start(name)));
  }

  /** Starts a node, again after it has ended, and tells everybody where it is. */
  private async start(name: string): Promise<Opened> {
    this.place.signal.throwIfAborted();
    const node: BenchNode = new NodeProcess(name, nodeMain, ({ done }: Report) => {
      this.done.set(name, done);
    });
    this.nodes.set(name, node);
    const dir = join(this.place.dir, name);
    const { settings, addresses } = this;
    const opened = await node.ask<Opened>({ kind: "open", node: name, dir, settings });
    addresses[name] = opened.address;
    if (this.names.every((other) => addresses[other] !== undefined)) {
      await this.all((other) => other.ask({ kind: "peers", addresses }));
    }
    return opened;
  }

  /**
   * Starts nodes again that `end` or `kill` has ended, at the same time, by the order of `names`.
   */
  async startAgain(names: readonly string[]): Promise<Opened[]> {
    for (const name of names) delete this.addresses[name];
    return await Promise.all(names.map((name) => this.start(name)));
  }

  /** Creates groups, each on its leader's node: number `group % leaders` of the leaders. */
  async createGroups({
    first = 0,
    count = this.settings.groups - first,
    leaders = this.names,
  }: GroupsToCreate = {}): Promise<void> {
    const { names: members } = this;
    const all = Array.from({ length: count }, (_, offset) => first + offset);
    await Promise.all(
      leaders.map(async (name, at) => {
        const groups = all.filter((group) => group % leaders.length === at);
        await this.node(name).ask({ kind: "createGroups", groups, members });
      }),
    );
  }

  /** Loads every node with its share of `outstanding`, by the groups that it leads. */
  async startClosedLoop(work: Work, outstanding: number): Promise<void> {
    const { names } = this;
    const led = await this.ledByEach();
    const total = led.reduce((sum, groups) => sum + groups, 0);
    let before = 0;
    await Promise.all(
      names.map(async (name, at) => {
        // By running totals, so that rounding loses nothing.
        const from = Math.round((outstanding * before) / total);
        before += led[at] ?? 0;
        const share = Math.round((outstanding * before) / total) - from;
        if (share === 0) return;
        await this.startLoad(name, { ...work, kind: "closed", outstanding: share });
      }),
    );
  }

  /** Loads every node with its share of `rate` calls a second, by the groups that it leads. */
  async startOpenLoop(work: Work, rate: number): Promise<void> {
    const { names } = this;
    const led = await this.ledByEach();
    const total = led.reduce((sum, groups) => sum + groups, 0);
    await Promise.all(
      names.map(async (name, at) => {
        const share = (rate * (led[at] ?? 0)) / total;
        if (share > 0) await this.startLoad(name, { ...work, kind: "open", rate: share });
      }),
    );
  }

  private async ledByEach(): Promise<number[]> {
    const led = await Promise.all(
      this.names.map((name) => this.node(name).ask<readonly number[]>({ kind: "led" })),
    );
    return led.map(({ length }) => length);
  }

  /** Loads one node, by default on the groups that it leads. */
  async startLoad(name: string, load: LoadSettings, groups?: readonly number[]): Promise<void> {
    await this.node(name).ask({ kind: "startLoad", load, groups });
  }

  /** What the load saw, and what all nodes used, while `ms` passed. */
  async measure(ms: number, names?: readonly string[]): Promise<LoadWindow> {
    const before = await this.takeWindows(names);
    await this.sleep(ms);
    return sumOfWindows(before, await this.takeWindows(names));
  }

  /** One window after another, with nothing lost in between. */
  async measureSeries(ms: number, count: number): Promise<LoadWindow[]> {
    const windows: LoadWindow[] = [];
    let before = await this.takeWindows();
    for (let at = 0; at < count; at += 1) {
      await this.sleep(ms);
      const after = await this.takeWindows();
      windows.push(sumOfWindows(before, after));
      before = after;
    }
    return windows;
  }

  private async takeWindows(
    names: readonly string[] = [...this.nodes.keys()],
  ): Promise<Map<string, NodeWindow>> {
    const taken = names.map(async (name) => {
      return [name, await this.node(name).ask<NodeWindow>({ kind: "take" })] as const;
    });
    return new Map(await Promise.all(taken));
  }

  /** The furthest index that is applied on any of these nodes, of each group from 0 on. */
  async appliedIndexes(names: readonly string[] = this.names): Promise<number[]> {
    const all = await Promise.all(
      names.map((name) => this.node(name).ask<readonly number[]>({ kind: "applied" })),
    );
    const [first = []] = all;
    return first.map((_, group) => Math.max(...all.map((applied) => applied[group] ?? 0)));
  }

  /** Resolves when nothing is in flight any more. */
  async stopLoad(): Promise<void> {
    await this.all((node) => node.ask({ kind: "stopLoad" }));
    this.done.clear();
  }

  async counters(name: string): Promise<NodeCounters> {
    return await this.node(name).ask<NodeCounters>({ kind: "counters" });
  }

  /** Ends early with an error where the run is aborted. */
  async sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.place.signal });
  }

  /** Calls answered so far, as last reported. */
  doneSoFar(): number {
    let sum = 0;
    for (const done of this.done.values()) sum += done;
    return sum;
  }

  node(name: string): BenchNode {
    const found = this.nodes.get(name);
    if (found === undefined) throw new Error(`${name} is not running`);
    return found;
  }

  private async all(action: (node: BenchNode) => Promise<unknown>): Promise<void> {
    await Promise.all([...this.nodes.values()].map(action));
  }

  /** SIGKILL; `startAgain` brings the node back with its directory. */
  async kill(name: string): Promise<void> {
    const node = this.node(name);
    this.nodes.delete(name);
    await node.kill();
  }

  /** Closes a node's engine in order; `startAgain` brings it back with its directory. */
  async end(name: string): Promise<void> {
    await this.node(name).close({ kind: "close" });
    this.nodes.delete(name);
  }

  private async killAll(): Promise<void> {
    const nodes = [...this.nodes.values()];
    await Promise.all(nodes.map((node) => node.kill()));
  }

  /** Closes the engines in order, so that a profiler of theirs can write what it has. */
  async close(): Promise<void> {
    await this.all((node) => node.close({ kind: "close" }));
    this.nodes.clear();
  }

  /** Ends the processes. What they stored is of no use any more, so nothing is closed in order. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.place.signal.removeEventListener("abort", this.onAbort);
    await this.killAll();
    this.nodes.clear();
  }
}
