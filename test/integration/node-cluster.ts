/**
 * Three nodes in three processes, started, killed and started again, each time under ports of the
 * system's choice; and the checks that must hold whatever was done to them.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GroupStatus } from "../../src/index.ts";
import { AckLedger } from "./ack-ledger.ts";
import type { NodeSettings, StoredRecord } from "./fixtures/node-protocol.ts";
import { NodeProcess, deadline, until } from "./node-process.ts";

export interface ClusterOptions {
  readonly durability?: NodeSettings["durability"];
  readonly store?: NodeSettings["store"];
  /** Shards of each node, in order. */
  readonly shards?: readonly number[];
  readonly timeoutMs?: number;
  readonly tickMs?: number;
  /** Command that each node runs under, by node; read at each start. */
  readonly under?: Readonly<Record<string, readonly string[]>>;
  /** Address that each node listens on, by node; loopback where none is given. */
  readonly hosts?: Readonly<Record<string, string>>;
}

const settleMs = 60_000;

export class NodeCluster implements AsyncDisposable {
  readonly names: readonly string[] = ["n1", "n2", "n3"];
  readonly dir: string = mkdtempSync(join(tmpdir(), "flotilla-nodes-"));
  readonly ledger = new AckLedger();
  groups: number[] = [];
  private readonly options: ClusterOptions;
  private readonly nodes = new Map<string, NodeProcess>();
  private readonly starts = new Map<string, number>();
  /** Slots of the load that every started node takes up. */
  private slots = 0;

  constructor(options: ClusterOptions = {}) {
    this.options = options;
  }

  dirOf(name: string): string {
    return join(this.dir, name);
  }

  /** How often a node was started. */
  lifeOf(name: string): number {
    return this.starts.get(name) ?? 0;
  }

  node(name: string): NodeProcess {
    const node = this.nodes.get(name);
    assert.ok(node !== undefined, `${name} was started`);
    return node;
  }

  running(): NodeProcess[] {
    return [...this.nodes.values()].filter(({ running }) => running);
  }

  /** Starts nodes that are not running, tells all of them where everybody is, and loads the new ones. */
  async start(...names: readonly string[]): Promise<void> {
    for (const name of names) this.spawn(name);
    await this.introduce();
    if (this.slots === 0) return;
    const { slots } = this;
    await Promise.all(names.map((name) => this.node(name).call({ kind: "startLoad", slots })));
  }

  private spawn(name: string): void {
    const incarnation = (this.starts.get(name) ?? 0) + 1;
    this.starts.set(name, incarnation);
    const { durability = "strict", shards = [1, 1, 1], timeoutMs = 10_000 } = this.options;
    const { under = {}, hosts = {}, tickMs = 30, store = "lmdb" } = this.options;
    const settings: NodeSettings = {
      node: name,
      dir: this.dirOf(name),
      host: hosts[name] ?? "127.0.0.1",
      shards: shards[this.names.indexOf(name)] ?? 1,
      durability,
      store,
      tickMs,
      electionTicks: 10,
      timeoutMs,
      incarnation,
    };
    const onAcks = this.ledger.take.bind(this.ledger, name);
    const command = under[name];
    const node = new NodeProcess({ settings, onAcks, ...(command && { under: command }) });
    this.nodes.set(name, node);
  }

  /** Gives every running node the present address book. */
  private async introduce(): Promise<void> {
    const running = this.running();
    const peers: Record<string, string> = {};
    for (const node of running) peers[node.node] = await node.address;
    await Promise.all(running.map((node) => node.call({ kind: "setPeers", peers })));
  }

  /** Creates groups, each on all nodes; every node is the creator, and so the leader, of its share. */
  async createGroups(count: number, first = 1): Promise<void> {
    const { names } = this;
    const groups = Array.from({ length: count }, (_, at) => first + at);
    this.groups.push(...groups);
    await Promise.all(
      names.map((name, share) => {
        const own = groups.filter((group) => group % names.length === share);
        return this.node(name).call({ kind: "createGroups", groups: own, members: names });
      }),
    );
  }

  async startLoad(slots: number): Promise<void> {
    this.slots = slots;
    await Promise.all(this.running().map((node) => node.call({ kind: "startLoad", slots })));
  }

  /** Ends the load on every node that runs; says how its writes ended. */
  async stopLoad(): Promise<string> {
    this.slots = 0;
    const counts = await Promise.all(this.running().map((node) => node.call({ kind: "stopLoad" })));
    const total: Record<string, number> = { received: this.ledger.count };
    for (const { failures } of counts) {
      for (const [kind, count] of Object.entries(failures)) {
        total[kind] = (total[kind] ?? 0) + count;
      }
    }
    return JSON.stringify(total);
  }

  /** Waits for acknowledgements under load. */
  async progress(acks: number): Promise<void> {
    await deadline(`${acks} more writes are acknowledged`, settleMs, this.ledger.more(acks));
  }

  /** Every group takes a write, whatever happened before; returns the log index of each write. */
  async touchAll(via: NodeProcess = this.anyNode()): Promise<number[]> {
    const indexes = new Map<number, number>();
    await this.settled("every group takes a write", async () => {
      const groups = this.groups.filter((group) => !indexes.has(group));
      const outcomes = await via.call({ kind: "touch", groups, timeoutMs: 2_000 });
      for (const [at, outcome] of outcomes.entries()) {
        const group = groups[at];
        if (outcome.ok && group !== undefined) indexes.set(group, outcome.value.revision);
      }
      return indexes.size === this.groups.length ? true : undefined;
    });
    return this.groups.map((group) => indexes.get(group) ?? 0);
  }

  /**
   * With the load at rest: every group takes a write, all running replicas come to the same state,
   * and that state holds everything that was ever acknowledged.
   */
  async verify(): Promise<void> {
    assert.deepEqual(this.ledger.faults, []);
    const indexes = await this.touchAll();
    await this.agree(indexes);
    for (const node of this.running()) {
      const { ledger } = this;
      const records: (StoredRecord | null)[] = [];
      records.push(...(await node.call({ kind: "readLocal", keys: ledger.keys() })));
      assert.deepEqual(ledger.findLosses(records), [], `on ${node.node}`);
    }
  }

  /** Waits until every running replica has applied at least `indexes` and all have one digest. */
  private async agree(indexes: readonly number[]): Promise<void> {
    const { groups } = this;
    const running = this.running();
    await this.settled("all replicas agree", async () => {
      const answers = await Promise.all(
        running.map((node) => node.call({ kind: "digests", groups })),
      );
      const agreed = groups.every((_, at) => {
        const [first, ...others] = answers.map((digests) => digests[at]);
        return (
          first !== undefined &&
          first.appliedIndex >= (indexes[at] ?? 0) &&
          others.every(
            (other) => other?.digest === first.digest && other?.appliedIndex === first.appliedIndex,
          )
        );
      });
      return agreed ? true : undefined;
    });
  }

  /** Waits; where it takes too long, the error says where each replica stands. */
  private async settled(what: string, check: () => Promise<true | undefined>): Promise<void> {
    try {
      await until(what, settleMs, check);
    } catch (error) {
      const statuses = [...(await this.statuses())].map(([name, status]) => {
        return `${name}: ${JSON.stringify(status)}`;
      });
      throw new Error(statuses.join("\n"), { cause: error });
    }
  }

  /** Statuses of all groups on all running nodes, by "node group". */
  async statuses(): Promise<Map<string, GroupStatus>> {
    const { groups } = this;
    const all = new Map<string, GroupStatus>();
    for (const node of this.running()) {
      for (const status of await node.call({ kind: "statuses", groups })) {
        all.set(`${node.node} ${status.group}`, status);
      }
    }
    return all;
  }

  async kill(...names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.node(name).kill()));
  }

  async close(...names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.node(name).close()));
  }

  anyNode(): NodeProcess {
    const [node] = this.running();
    assert.ok(node !== undefined, "a node runs");
    return node;
  }

  /** A group and its leader, as the running nodes see them now. */
  async leaderOf(group: number): Promise<NodeProcess> {
    return await until(`group ${group} has a leader`, settleMs, async () => {
      for (const node of this.running()) {
        const views = await node.call({ kind: "views" });
        if (views.some((view) => view.group === group && view.role === "leader")) return node;
      }
      return undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.running().map((node) => {
        // A stopped process takes no signal but this one.
        return node.kill();
      }),
    );
    rmSync(this.dir, { recursive: true, force: true });
  }
}
