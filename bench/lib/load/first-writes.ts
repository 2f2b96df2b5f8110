/**
 * A client a group with one write that it must get through: what a client of a group without a
 * leader does. When the write fails, it is made again as soon as the group has another leader, or
 * after a pause.
 */
import { RaftError } from "../../../src/index.ts";
import type { Engine, LeaderChanged } from "../../../src/index.ts";
import { sharedMs } from "../shared-clock.ts";
import { Commands } from "./commands.ts";
import type { Target } from "./load.ts";

/** Thousands of clients that try all the time would be a load of their own. */
const pauseMs = 250;
const acknowledgedInMs = 60_000;
const valueBytes = 16;

/** When each group's write was acknowledged, as `sharedMs`, by the order of `groups`. */
export async function firstWrites({ engine, machine, groups }: Target): Promise<number[]> {
  const command = new Commands(machine, valueBytes).one(0);
  const news = new LeaderNews(engine);
  try {
    return await Promise.all(groups.map((group) => firstWrite(engine, group, { command, news })));
  } finally {
    news.close();
  }
}

async function firstWrite(
  engine: Engine,
  group: number,
  { command, news }: { readonly command: Uint8Array; readonly news: LeaderNews },
): Promise<number> {
  const deadlineMs = performance.now() + acknowledgedInMs;
  for (;;) {
    const known = news.countOf(group);
    try {
      await engine.propose(group, command, { forward: true });
      return sharedMs();
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      if (performance.now() > deadlineMs) throw error;
    }
    await news.after(group, known);
  }
}

/** Counts how often each group had a new leader to tell of. */
class LeaderNews {
  private readonly engine: Engine;
  private readonly counts: Map<number, number> = new Map();
  private readonly waiting: Map<number, () => void> = new Map();
  private readonly onChange = ({ group, leader }: LeaderChanged): void => {
    if (leader === undefined) return;
    this.counts.set(group, this.countOf(group) + 1);
    this.waiting.get(group)?.();
  };

  constructor(engine: Engine) {
    this.engine = engine;
    engine.on("leaderChanged", this.onChange);
  }

  countOf(group: number): number {
    return this.counts.get(group) ?? 0;
  }

  /** Resolves when there is more than what was known, at the latest after the pause. */
  async after(group: number, known: number): Promise<void> {
    if (this.countOf(group) > known) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.waiting.set(group, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.waiting.delete(group);
  }

  close(): void {
    this.engine.off("leaderChanged", this.onChange);
  }
}
