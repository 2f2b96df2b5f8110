/**
 * Clients that use a few keys through any node, and keep what they asked and were answered. Each
 * has one call outstanding. They live in the test's process, so that no fault of a node or a network
 * can lose a line of the history.
 */
import type { Prng } from "../../src/base/index.ts";
import type { Unanswered } from "../../src/testing/history/index.ts";
import type { StoreAnswer, StoreRequest } from "../integration/fixtures/node-protocol.ts";
import type { NodeCluster } from "../integration/node-cluster.ts";
import { deadline } from "../integration/node-process.ts";
import type { Exchange, KnownWrite } from "./client-history.ts";

export interface ClientOptions {
  readonly cluster: NodeCluster;
  readonly prng: Prng;
  readonly clients: number;
  /** Few, so that clients meet. */
  readonly keysOfGroup: number;
  readonly timeoutMs: number;
}

/** A node that is there answers after one timeout; one that stands still is given up after some. */
const patienceOfTimeouts = 3;

/** What a client knows of a key that it has not met yet. */
const nothing: KnownWrite = { revision: 0, value: null };

interface Waiting {
  readonly count: number;
  readonly resume: () => void;
}

export class Clients {
  readonly history: Exchange[] = [];
  /** Of calls that were not answered well: how often, by code and outcome. */
  readonly failures: Record<string, number> = {};
  private readonly options: ClientOptions;
  private running = true;
  private readonly ended: Promise<unknown>;
  private waiting: Waiting[] = [];
  private values = 0;
  /** A fault of the test itself: the clients have ended. */
  private failure: Error | undefined;

  constructor(options: ClientOptions) {
    this.options = options;
    const loops = Array.from({ length: options.clients }, (_, client) => this.run(client));
    this.ended = Promise.all(loops).catch((error: unknown) => {
      this.failure = new Error("a client ended", { cause: error });
      this.wake(Number.POSITIVE_INFINITY);
    });
  }

  /** Resolves when `count` operations more have been answered, well or badly. */
  async answered(count: number): Promise<void> {
    await new Promise<void>((resume) => {
      this.waiting.push({ count: this.history.length + count, resume });
      if (this.failure !== undefined) resume();
    });
    if (this.failure !== undefined) throw this.failure;
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.ended;
    if (this.failure !== undefined) throw this.failure;
  }

  private wake(answered: number): void {
    this.waiting = this.waiting.filter(({ count, resume }) => {
      if (answered < count) return true;
      resume();
      return false;
    });
  }

  private async run(client: number): Promise<void> {
    const { cluster, prng, keysOfGroup } = this.options;
    const known = new Map<string, KnownWrite>();
    while (this.running) {
      const group = cluster.groups[prng.between(0, cluster.groups.length)] ?? 0;
      const key = `k${prng.between(0, keysOfGroup)}`;
      const { revision, value: expected } = known.get(`${group} ${key}`) ?? nothing;
      const request = this.drawRequest(client, revision);
      const node = this.drawNode(client);
      const life = cluster.lifeOf(node);
      const callUs = nowUs();
      const answer = await this.ask(node, { group, key, request });
      const returnUs = nowUs();
      const where = { client, node, life, group, key };
      this.history.push({ ...where, callUs, returnUs, request, expected, answer });
      if (typeof answer !== "string" && answer.value !== undefined) {
        known.set(`${group} ${key}`, { revision: answer.revision, value: answer.value });
      }
      this.wake(this.history.length);
    }
  }

  private drawRequest(client: number, revision: number): StoreRequest {
    const { prng } = this.options;
    const dice = prng.between(0, 10);
    if (dice < 4) return { kind: "get" };
    if (dice < 5) return { kind: "getLocal" };
    this.values += 1;
    const value = `${client}.${this.values}`;
    return dice < 8 ? { kind: "put", value } : { kind: "cas", revision, value };
  }

  /** Mostly its own; now and then another, as after a failure. */
  private drawNode(client: number): string {
    const { cluster, prng } = this.options;
    const { names } = cluster;
    return names[prng.chance(0.8) ? client % names.length : prng.between(0, names.length)] ?? "";
  }

  private async ask(
    name: string,
    { group, key, request }: Pick<Exchange, "group" | "key" | "request">,
  ): Promise<StoreAnswer | Unanswered> {
    const { cluster, timeoutMs } = this.options;
    const operate = { group, key, forward: true, timeoutMs, request };
    try {
      const answer = cluster.node(name).call({ kind: "operate", operate });
      const patienceMs = patienceOfTimeouts * timeoutMs;
      const outcome = await deadline("an operation is answered", patienceMs, answer);
      if (outcome.ok) return outcome.value;
      this.count(request, `${outcome.error.code} ${outcome.error.outcome}`);
      return outcome.error.outcome;
    } catch {
      // The node's process was killed or stands still: nobody knows how far the call has come.
      this.count(request, "no answer");
      await new Promise((resolve) => setImmediate(resolve));
      return "unknown";
    }
  }

  private count({ kind }: StoreRequest, how: string): void {
    const name = `${kind}: ${how}`;
    this.failures[name] = (this.failures[name] ?? 0) + 1;
  }
}

function nowUs(): number {
  return Math.round(performance.now() * 1_000);
}
