/** Measures what the search asks for on a real cluster, keeps what was seen and watches the time. */
import type { BenchRun } from "../lib/command.ts";
import type { Point } from "../lib/result.ts";
import { messageOf } from "../../src/base/index.ts";
import { measureCell } from "../commands/throughput.ts";
import type { ProposalOptions } from "../commands/throughput.ts";
import { formatNumber } from "../lib/number-format.ts";
import { formatShort } from "../report/format.ts";
import { mergeRuns } from "../lib/merge-runs.ts";
import type { Outcome } from "./goal.ts";
import type { TuneSettings } from "./knobs.ts";
import type { Trial } from "./search.ts";

export interface TuneWork extends Omit<ProposalOptions, "durability"> {
  readonly groups: number;
  readonly valueBytes: number;
  readonly minutes: number;
}

/** Starting nodes, creating groups and ending: a first guess, until trials have been timed. */
const surroundMs = 3_000;

export class TuneRun {
  private readonly work: TuneWork;
  private readonly run: BenchRun;
  private readonly startMs: number = performance.now();
  private readonly points: Map<string, Point[]> = new Map();
  private trials = 0;

  constructor(work: TuneWork, run: BenchRun) {
    this.work = work;
    this.run = run;
  }

  /** What is ahead, for who starts it. */
  describePlan(): string {
    const { minutes } = this.work;
    const trials = Math.floor((minutes * 60_000) / this.trialMs());
    const each = (this.trialMs() / 1_000).toFixed(0);
    return `at most ${minutes} min, about ${trials} trials of ${each} s; fewer where nothing helps any more`;
  }

  mayTry(reserved: number): boolean {
    const spentMs = performance.now() - this.startMs;
    return spentMs + (reserved + 1) * this.trialMs() <= this.work.minutes * 60_000;
  }

  private trialMs(): number {
    const { warmUp, seconds } = this.work;
    if (this.trials === 0) return (warmUp + seconds) * 1_000 + surroundMs;
    return (performance.now() - this.startMs) / this.trials;
  }

  async measure(
    settings: TuneSettings,
    best: Trial<TuneSettings> | undefined,
  ): Promise<Outcome | undefined> {
    this.run.progress.section(this.describeTrial(settings, best));
    try {
      const point = await this.measurePoint(settings);
      const key = JSON.stringify(settings);
      this.points.set(key, [...(this.points.get(key) ?? []), point]);
      const throughput = point.figures["throughput"]?.value ?? 0;
      const p99Ms = point.figures["p99"]?.value ?? 0;
      // Where nothing was answered there is no latency to compare.
      return throughput > 0 && p99Ms > 0 ? { throughput, p99Ms } : undefined;
    } catch (error) {
      this.run.signal.throwIfAborted();
      if (best === undefined) throw error;
      this.run.progress.phase(`left out: ${messageOf(error)}`);
      return undefined;
    } finally {
      this.trials += 1;
    }
  }

  private async measurePoint(settings: TuneSettings): Promise<Point> {
    const { outstanding, durability, shards, ...engine } = settings;
    const { groups, valueBytes } = this.work;
    const cell = { groups, valueBytes, outstanding, shards, engine };
    return await measureCell(cell, { ...this.work, durability }, this.run);
  }

  private describeTrial(settings: TuneSettings, best: Trial<TuneSettings> | undefined): string {
    const left = Math.max(0, this.work.minutes * 60_000 - (performance.now() - this.startMs));
    const head = `trial ${this.trials + 1}, ${Math.ceil(left / 60_000)} min left at most`;
    if (best === undefined) return `${head}, defaults`;
    const known = new Map<string, string | number>(Object.entries(best.settings));
    const changes = Object.entries(settings)
      .filter(([name, value]) => known.get(name) !== value)
      .map(([name, value]) => `${name} ${value}`);
    const tried = changes.length === 0 ? "again" : changes.join(", ");
    const reached = `${formatShort(best.throughput)}/s at ${formatNumber(best.p99Ms)} ms`;
    return `${head}, best ${reached}, now ${tried}`;
  }

  /** The trial's point, of all its measurements, with these words as its remark. */
  pointOf({ settings }: Trial<TuneSettings>, words: readonly string[]): Point[] {
    const measured = this.points.get(JSON.stringify(settings)) ?? [];
    return mergeRuns([{ durability: "", points: measured }]).points.map((point) => {
      const remark = [...words, ...(point.remark === undefined ? [] : [point.remark])].join(", ");
      return remark === "" ? point : { ...point, remark };
    });
  }
}
