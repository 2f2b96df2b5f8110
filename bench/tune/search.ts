/**
 * Finds good settings with few trials, not by a grid: from the defaults each knob is turned step by
 * step for as long as that helps, first in long steps, then in short ones, until no single step
 * helps any more. A step that helped must do so a second time. Then the best are measured again,
 * in turns with the default options under the same load: the best of many noisy trials has been
 * lucky, and what does not beat the defaults in every round is noise.
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
  /** The default options under the load of these settings. */
  readonly baselineOf: (settings: Settings) => Settings;
  /** Whether there is time for one more trial and `reserved` others after it. */
  mayTry(reserved: number): boolean;
  /** Undefined where these settings could not be measured: they are left alone then. */
  measure(settings: Settings, best: Trial<Settings> | undefined): Promise<Outcome | undefined>;
}

export interface SearchResult<Settings> {
  readonly trials: readonly Trial<Settings>[];
  readonly start: Trial<Settings>;
  readonly chosen: Trial<Settings>;
  /** The default options under the load of `chosen`, which may be `chosen` itself. */
  readonly baseline: Trial<Settings> | undefined;
  /** False if time ran out before `chosen` had beaten `baseline` in every final round. */
  readonly proven: boolean;
  /** False where time ran out while steps still helped. */
  readonly settled: boolean;
}

/** A step must help by more than this, or it was noise. */
const gainMin = 1.03;
/** Lengths of steps, in values of a knob. */
const strides = [3, 1];
const finalistsMax = 2;
/** How often each finalist is measured anew. */
const finalRounds = 3;
/** Those of the finalists and their baselines. */
const finalTrials = finalistsMax * 2 * finalRounds;
/** After so many others the best is measured again: it may have had a quiet moment. */
const refreshAfter = 5;

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
  /** Measurements since the best was measured. */
  private sinceBest = 0;

  constructor(plan: SearchPlan<Settings>) {
    this.plan = plan;
  }

  async run(): Promise<SearchResult<Settings>> {
    const start = await this.trial(this.plan.start, undefined);
    if (start === undefined) throw new Error("The default settings could not be measured");
    let best = start;
    for (const stride of strides) best = await this.descend(best, stride);
    const { chosen, baseline, proven } = await this.choose(best);
    return {
      trials: [...this.trials.values()],
      start: this.newest(start),
      chosen,
      baseline,
      proven,
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
      best = this.bestAfter(best);
      // What was measured again may have lost what made steps from it look useless.
    } while (best !== before && !this.outOfTime);
    return best;
  }

  /** Another, where the best has turned out to be less than that. */
  private bestAfter(best: Trial<Settings>): Trial<Settings> {
    const [first = best] = this.ranked([...this.trials.values()]);
    return ratioFor(this.plan.goal, first, best) >= gainMin ? first : best;
  }

  private async turn(
    knob: Knob<Settings>,
    from: Trial<Settings>,
    stride: number,
  ): Promise<Trial<Settings>> {
    const best = await this.refreshed(from);
    for (const direction of [-stride, stride]) {
      const better = await this.walk(knob, best, direction);
      // Where one direction helps, the other is where we come from.
      if (better.settings !== best.settings) return better;
    }
    return best;
  }

  private async refreshed(best: Trial<Settings>): Promise<Trial<Settings>> {
    if (this.sinceBest < refreshAfter || !this.hasTime()) return best;
    return await this.again(best, best);
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
      if (!(await this.helpsAgain(trial, best))) return best;
      best = this.newest(trial);
      this.sinceBest = 0;
    }
  }

  /**
   * Whether a trial beats the best in a second round, too, if there is time for one. A step of the
   * load alone is no option that anybody would set in vain.
   */
  private async helpsAgain(trial: Trial<Settings>, best: Trial<Settings>): Promise<boolean> {
    const { baselineOf } = this.plan;
    const loads = [trial, best].map(({ settings }) => JSON.stringify(baselineOf(settings)));
    if (loads[0] !== loads[1] || !this.plan.mayTry(finalTrials + 1)) return true;
    const [before, after] = [await this.again(best, best), await this.again(trial, best)];
    const [old, next] = [before.measured.at(-1), after.measured.at(-1)];
    if (old === undefined || next === undefined) return false;
    return ratioFor(this.plan.goal, next, old) > 1;
  }

  /** Undefined where the settings cannot be measured, or time is out. */
  private async trial(
    settings: Settings,
    best: Trial<Settings> | undefined,
  ): Promise<Trial<Settings> | undefined> {
    const key = JSON.stringify(settings);
    const known = this.trials.get(key);
    if (known !== undefined || this.failed.has(key)) return known;
    if (best !== undefined && !this.hasTime()) {
      this.outOfTime = true;
      return undefined;
    }
    this.sinceBest += 1;
    const outcome = await this.plan.measure(settings, best);
    if (outcome === undefined) {
      this.failed.add(key);
      return undefined;
    }
    return this.record(settings, [outcome]);
  }

  /** Where time is short, looking around comes before looking twice. */
  private hasTime(): boolean {
    return this.plan.mayTry(Math.min(finalTrials, this.trials.size));
  }

  /** Measures once more; its outcome is then the median of all its measurements. */
  private async again(trial: Trial<Settings>, best: Trial<Settings>): Promise<Trial<Settings>> {
    const { settings, measured } = this.newest(trial);
    this.sinceBest = 0;
    const outcome = await this.plan.measure(settings, best);
    return this.record(settings, outcome === undefined ? measured : [...measured, outcome]);
  }

  private newest(trial: Trial<Settings>): Trial<Settings> {
    return this.trials.get(JSON.stringify(trial.settings)) ?? trial;
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

  /**
   * Of the finalists the best that beats its baseline in every round. A baseline needs no proof:
   * it is what one has without tuning.
   */
  private async choose(
    best: Trial<Settings>,
  ): Promise<Pick<SearchResult<Settings>, "chosen" | "baseline" | "proven">> {
    const { goal, baselineOf } = this.plan;
    const finalists = this.ranked([...this.trials.values()]).slice(0, finalistsMax);
    const rounds = await this.finalRounds(
      finalists.flatMap(({ settings }) => [settings, baselineOf(settings)]),
    );
    const outcomesOf = (settings: Settings): readonly Outcome[] =>
      rounds.get(JSON.stringify(settings)) ?? [];
    const proven = [...rounds.keys()].flatMap((key) => {
      const trial = this.trials.get(key);
      if (trial === undefined) return [];
      const own = outcomesOf(trial.settings);
      const plain = outcomesOf(baselineOf(trial.settings));
      const beats = own.every((outcome, round) => {
        const other = plain[round];
        return other === undefined || ratioFor(goal, outcome, other) > 1;
      });
      return own === plain || beats ? [trial] : [];
    });
    const chosen = this.ranked(proven)[0];
    const { settings } = chosen ?? best;
    return {
      chosen: chosen ?? this.newest(best),
      baseline: this.trials.get(JSON.stringify(baselineOf(settings))),
      proven: chosen !== undefined,
    };
  }

  /**
   * What each of the settings came to, round by round. In turns, so that a machine that becomes
   * slower does so for all of them; all of them or none, since medians of more and of fewer are
   * not to be compared.
   */
  private async finalRounds(
    candidates: readonly Settings[],
  ): Promise<ReadonlyMap<string, readonly Outcome[]>> {
    const known = new Map(candidates.map((settings) => [JSON.stringify(settings), settings]));
    const outcomes = new Map<string, Outcome[]>();
    for (let round = 0; round < finalRounds; round += 1) {
      if (!this.plan.mayTry(known.size - 1)) break;
      for (const [key, settings] of known) {
        const outcome = await this.plan.measure(settings, this.trials.get(key));
        if (outcome === undefined) known.delete(key);
        else outcomes.set(key, [...(outcomes.get(key) ?? []), outcome]);
      }
    }
    for (const [key, settings] of known) {
      const measured = [...(this.trials.get(key)?.measured ?? []), ...(outcomes.get(key) ?? [])];
      if (measured.length > 0) this.record(settings, measured);
    }
    return new Map([...outcomes].filter(([key]) => known.has(key)));
  }
}

function median(values: readonly number[]): number {
  return figure(values, "").value;
}
