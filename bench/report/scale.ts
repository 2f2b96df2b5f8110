/** Where an axis begins and ends and what is written on it. */

export interface Scale {
  readonly log: boolean;
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
}

/** From this ratio on, of the largest to the smallest value, an axis is logarithmic. */
const logRatio = 20;
const ticksMax = 9;
/** Steps of a linear axis are one of these times a power of ten. */
const niceSteps = [1, 2, 2.5, 5, 10];

/**
 * An axis that holds all values. Bars grow from a foot below the smallest value, since a
 * logarithmic axis has no zero.
 */
export function scaleFor(
  values: readonly number[],
  asked: { bytes?: boolean; bars?: boolean },
): Scale {
  const positive = values.filter((value) => value > 0);
  const low = Math.min(...positive);
  const high = Math.max(...positive);
  if (positive.length === 0) return { log: false, min: 0, max: 1, ticks: [0, 1] };
  if (positive.length < values.length || high / low < logRatio) return linearScale(values);
  return asked.bytes === true
    ? logScale(low, high, 2)
    : logScale(asked.bars ? low / 2 : low, high, 10);
}

function linearScale(values: readonly number[]): Scale {
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + Number.EPSILON);
  const raw = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = (niceSteps.find((nice) => nice * power >= raw) ?? 10) * power;
  const min = Math.floor(low / step) * step;
  const max = Math.ceil(high / step) * step;
  const count = Math.round((max - min) / step);
  const ticks = Array.from({ length: count + 1 }, (_, at) => round(min + at * step));
  return { log: false, min: round(min), max: round(max), ticks };
}

/** Takes away what counting in binary adds: 0.30000000000000004. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}

/** Ends on a tick: 1, 2 and 5 of each decade, or powers of two; thinned where they are many. */
function logScale(low: number, high: number, base: 2 | 10): Scale {
  const choices = base === 2 ? [[1]] : [[1, 2, 5], [1, 3], [1]];
  for (const factors of choices) {
    const ticks = ticksBetween(low, high, base, factors);
    if (ticks.length <= ticksMax) return logScaleOf(ticks);
  }
  return logScaleOf(thin(ticksBetween(low, high, base, [1])));
}

function ticksBetween(
  low: number,
  high: number,
  base: number,
  factors: readonly number[],
): number[] {
  const first = Math.floor(Math.log(low) / Math.log(base));
  const last = Math.ceil(Math.log(high) / Math.log(base)) + 1;
  const all: number[] = [];
  for (let power = first; power <= last; power += 1) {
    all.push(...factors.map((factor) => round(factor * base ** power)));
  }
  const from = all.findLastIndex((tick) => tick <= low * 1.000_001);
  const to = all.findIndex((tick) => tick >= high * 0.999_999);
  return all.slice(Math.max(0, from), to + 1);
}

function logScaleOf(ticks: readonly number[]): Scale {
  return { log: true, min: ticks[0] ?? 1, max: ticks.at(-1) ?? 10, ticks };
}

/** Every second one, or fewer, so that the first and the last stay. */
function thin(ticks: readonly number[]): number[] {
  const every = Math.ceil(ticks.length / ticksMax);
  const missing = (every - ((ticks.length - 1) % every)) % every;
  const ratio = (ticks[1] ?? 1) / (ticks[0] ?? 1);
  const last = ticks.at(-1) ?? 1;
  const longer = [
    ...ticks,
    ...Array.from({ length: missing }, (_, at) => last * ratio ** (at + 1)),
  ];
  return longer.filter((_, at) => at % every === 0);
}
