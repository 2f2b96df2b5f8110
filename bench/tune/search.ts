/**
 * Finds good settings with few trials, not by a grid: from the defaults each knob is turned step by
 * step for as long as that helps, first in long steps, then in short ones, until no single step
 * helps any more. Then the best are measured again, since the best of many noisy trials has been
 * lucky, and the default with them, since it is what one has without tuning.
 */
import { figure } from "../lib/result.ts";
import { ratioFor } from "./goal.ts";
import type { Goal, Outcome } from "./goal.ts";

/** One setting and the values that it may have, from least to most. */
export interface Knob<Settings> {
  readonly name: string;
  readonly count: number;
  /** The place of the settings' value among the knob's. */
  placeOf(settings: Settings): number;
  turn(settings: Settings, place: number): Settings;
}

export interface Trial<Settings> extends Outcome {
  readonly settings: Settings;
  /** Every measurement of these settings, in order; the outcome is their median. */
  readonly measured: readonly Outcome[];
}

export interface SearchPlan<Settings> {
  readonly goal: Goal;
  readonly start: Settings;
  readonly knobs: readonly Knob<Settings>[];
  /** Whether there is time for one more trial and `reserved` others after it. */
  mayTry(reserved: number): boolean;
  /** Undefined where these settings could not be measured: they are left alone then. */
  measure(settings: Settings, best: Trial<Settings> | undefined): Promise<Outcome | undefined>;
}

export interface SearchResult<Settings> {
  readonly trials: readonly Trial<Settings>[];
  readonly start: Trial<Settings>;
  readonly chosen: Trial<Settings>;
  /** False where time ran out while steps still helped. */
  readonly settled: boolean;
}

/** A step must help by more than this, or it was noise. */
const gainMin = 1.03;
/** Lengths of steps, in values of a knob. */
const strides = [3, 1];
const finalistsMax = 3;
/** Measurements of each finalist, the first included. */
const finalRuns = 3;
/** The default and the finalists, each measured anew. */
const finalTrials = (finalistsMax + 1) * (finalRuns - 1);

/** @throws what measuring the start throws, or an Error where it cannot be measured. */
export async function search<Settings>(
  plan: SearchPlan<Settings>,
): Promise<SearchResult<Settings>> {
  return new Search(plan).run();
}

class Search<Settings> {
  private readonly plan: SearchPlan<Settings>;
  private readonly trials: Map<string, Trial<Settings>> = new Map();
  private readonly failed: Set<string> = new Set();
  private outOfTime = false;

  constructor(plan: SearchPlan<Settings>) {
    this.plan = plan;
  }

  async run(): Promise<SearchResult<Settings>> {
    const start = await this.trial(this.plan.start, undefined);
    if (start === undefined) throw new Error("The default settings could not be measured");
    let best = start;
    for (const stride of strides) best = await this.descend(best, stride);
    await this.measureFinalists();
    const trials = [...this.trials.values()];
    const known = trials.find(({ settings }) => settings === start.settings) ?? start;
    return {
      trials,
      start: known,
      chosen: this.ranked(this.confirmed())[0] ?? known,
      settled: !this.outOfTime,
    };
  }

  /** Turns all knobs in turn until a whole turn of them brought nothing. */
  private async descend(from: Trial<Settings>, stride: number): Promise<Trial<Settings>> {
    let best = from;
    let before: Trial<Settings>;
    do {
      before = best;
      for (const knob of this.plan.knobs) best = await this.turn(knob, best, stride);
    } while (best !== before && !this.outOfTime);
    return best;
  }

  private async turn(
    knob: Knob<Settings>,
    from: Trial<Settings>,
    stride: number,
  ): Promise<Trial<Settings>> {
    for (const direction of [-stride, stride]) {
      const best = await this.walk(knob, from, direction);
      // Where one direction helps, the other is where we come from.
      if (best !== from) return best;
    }
    return from;
  }

  private async walk(
    knob: Knob<Settings>,
    from: Trial<Settings>,
    step: number,
  ): Promise<Trial<Settings>> {
    let best = from;
    for (;;) {
      const place = knob.placeOf(best.settings) + step;
      if (place < 0 || place >= knob.count) return best;
      const trial = await this.trial(knob.turn(best.settings, place), best);
      if (trial === undefined || ratioFor(this.plan.goal, trial, best) < gainMin) return best;
      best = trial;
    }
  }

  /** Undefined where the settings cannot be measured, or time is out. */
  private async trial(
    settings: Settings,
    best: Trial<Settings> | undefined,
  ): Promise<Trial<Settings> | undefined> {
    const key = JSON.stringify(settings);
    const known = this.trials.get(key);
    if (known !== undefined || this.failed.has(key)) return known;
    // Where time is short, looking around comes before looking twice.
    const reserved = Math.min(finalTrials, this.trials.size);
    if (best !== undefined && !this.plan.mayTry(reserved)) {
      this.outOfTime = true;
      return undefined;
    }
    const outcome = await this.plan.measure(settings, best);
    if (outcome === undefined) {
      this.failed.add(key);
      return undefined;
    }
    return this.record(settings, [outcome]);
  }

  private record(settings: Settings, measured: readonly Outcome[]): Trial<Settings> {
    const trial = {
      settings,
      throughput: median(measured.map(({ throughput }) => throughput)),
      p99Ms: median(measured.map(({ p99Ms }) => p99Ms)),
      measured,
    };
    this.trials.set(JSON.stringify(settings), trial);
    return trial;
  }

  private ranked(trials: readonly Trial<Settings>[]): Trial<Settings>[] {
    return trials.toSorted((a, b) => (ratioFor(this.plan.goal, a, b) >= 1 ? -1 : 1));
  }

  private confirmed(): Trial<Settings>[] {
    const trials = [...this.trials.values()];
    const most = Math.max(...trials.map(({ measured }) => measured.length));
    return trials.filter(({ measured }) => measured.length === most);
  }

  /** In turns, so that a machine that becomes slower does so for all of them. */
  private async measureFinalists(): Promise<void> {
    const all = this.ranked([...this.trials.values()]);
    const key = JSON.stringify(this.plan.start);
    const finalists = all.filter((trial, place) => {
      return place < finalistsMax || JSON.stringify(trial.settings) === key;
    });
    const [best] = finalists;
    for (let run = 1; run < finalRuns; run += 1) {
      if (!this.plan.mayTry(finalists.length - 1)) return;
      for (const { settings } of finalists) {
        const outcome = await this.plan.measure(settings, best);
        const known = this.trials.get(JSON.stringify(settings));
        if (outcome !== undefined && known !== undefined) {
          this.record(settings, [...known.measured, outcome]);
        }
      }
    }
  }
}

function median(values: readonly number[]): number {
  return figure(values, "").value;
}
