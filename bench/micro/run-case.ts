/** Runs a case by benchmark.js, which finds how many calls it takes to be exact. */
import { setImmediate as nextTurn } from "node:timers/promises";
import Benchmark from "benchmark";
import { asError, assert } from "../../src/base/index.ts";
import type { MicroCase } from "./suite.ts";

/** What the last call returned: kept, so that its work has to be done. */
const sink: { value: unknown } = { value: undefined };

/** A sample is so many calls that they take this long at least. */
const sampleSecondsMin = 0.05;

export interface CaseTiming {
  /** Seconds that a call took, on the average of each sample. */
  readonly samples: readonly number[];
  /** Half of the 95 % confidence interval of their mean, in per cent of it. */
  readonly marginPercent: number;
}

/** Measures for about `seconds`. Rejects with what the case throws. */
export async function runCase(microCase: MicroCase, seconds: number): Promise<CaseTiming> {
  // Without this a row of cases would keep signals and the terminal waiting to its end.
  await nextTurn();
  const asynchronous = microCase.run() instanceof Promise;
  let failure: Error | undefined;
  const once = (): void => {
    sink.value = microCase.run();
  };
  const onceDeferred = (deferred: Benchmark.Deferred): void => {
    Promise.resolve(microCase.run())
      .then(
        (value) => {
          sink.value = value;
        },
        (error: unknown) => {
          failure ??= asError(error);
        },
      )
      .finally(() => deferred.resolve());
  };
  return new Promise((resolve, reject) => {
    const bench = new Benchmark(microCase.name, asynchronous ? onceDeferred : once, {
      defer: asynchronous,
      maxTime: seconds,
      minTime: Math.min(sampleSecondsMin, seconds),
      onComplete: () => {
        const { error, stats } = bench;
        const found = failure ?? (error === undefined ? undefined : asError(error));
        if (found !== undefined) reject(found);
        else resolve({ samples: numbersOf(stats.sample), marginPercent: stats.rme });
      },
    });
    bench.run();
  });
}

function numbersOf(samples: readonly unknown[]): number[] {
  return samples.map((sample) => {
    assert(typeof sample === "number", "a sample is a number");
    return sample;
  });
}
