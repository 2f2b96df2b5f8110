/** Latencies in an HdrHistogram: three digits, from 1 ns to a quarter of an hour. */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } from "hdr-histogram-js";
import type { Histogram } from "hdr-histogram-js";

const nsMax = 1e12;
const nsPerMs = 1e6;

export class Latencies {
  private readonly histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: nsMax,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    autoResize: false,
  });

  get count(): number {
    return this.histogram.totalCount;
  }

  record(ms: number, count: number = 1): void {
    const ns = Math.min(nsMax, Math.max(0, Math.round(ms * nsPerMs)));
    this.histogram.recordValueWithCount(ns, count);
  }

  /**
   * In ms: what `percent` of all are not above; 0 if there are none. Never above `maxMs`: the
   * histogram answers with the upper end of a bucket, and rounds its maximum down.
   */
  percentile(percent: number): number {
    if (this.count === 0) return 0;
    return (
      Math.min(this.histogram.getValueAtPercentile(percent), this.histogram.maxValue) / nsPerMs
    );
  }

  get maxMs(): number {
    return this.count === 0 ? 0 : this.histogram.maxValue / nsPerMs;
  }

  /** Adds what another process has counted and encoded. */
  addEncoded(text: string): void {
    this.histogram.add(decodeFromCompressedBase64(text));
  }

  add({ histogram }: Latencies): void {
    this.histogram.add(histogram);
  }

  encode(): string {
    return encodeIntoCompressedBase64(this.histogram);
  }
}
