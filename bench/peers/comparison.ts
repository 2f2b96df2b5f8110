/** Makes points of what flotilla and its peers did with the same work. */
import { Latencies } from "../lib/latencies.ts";
import { figure } from "../lib/result.ts";
import type { Figure, Point } from "../lib/result.ts";
import type { PeerFigures } from "./peer.ts";

const usPerMs = 1_000;

/** One engine under one load, in one round. */
export interface Measurement {
  /** Acknowledged commands a second. */
  readonly perSecond: number;
  readonly latencies: Latencies;
  /** For a command, all members and the load; undefined where unknown. */
  readonly cpuMicros: number | undefined;
}

export interface Outcome {
  readonly settings: Point["settings"];
  /** Undefined where it could not be measured; the remark says why. */
  readonly measured?: Measurement | undefined;
  readonly remark?: string | undefined;
}

export function measurementOf({ throughput, latenciesUs, cpuMicros }: PeerFigures): Measurement {
  const latencies = new Latencies();
  for (const latencyUs of latenciesUs) latencies.record(latencyUs / usPerMs);
  return { perSecond: throughput, latencies, cpuMicros };
}

/** `own` is flotilla's measurement of the same round and load; its own point has no ratios. */
export function pointOf(
  { settings, measured, remark }: Outcome,
  own: Measurement | undefined,
): Point {
  const figures = measured === undefined ? {} : figuresOf(measured, own);
  return { settings, figures, ...(remark !== undefined && { remark }) };
}

function figuresOf(measured: Measurement, own: Measurement | undefined): Record<string, Figure> {
  const { perSecond, latencies, cpuMicros } = measured;
  return {
    throughput: figure([perSecond], "/s", "higher"),
    p50: figure([latencies.percentile(50)], "ms", "lower"),
    p99: figure([latencies.percentile(99)], "ms", "lower"),
    ...(cpuMicros !== undefined && { cpuPerCommand: figure([cpuMicros], "us", "lower") }),
    ...(own !== undefined && own !== measured && ratiosOf(own, measured)),
  };
}

/** Flotilla's figure divided by the peer's: for throughput above 1 is better, for latency below. */
function ratiosOf(own: Measurement, peer: Measurement): Record<string, Figure> {
  const latency = (percent: number): Figure =>
    ratio(own.latencies.percentile(percent), peer.latencies.percentile(percent), "lower");
  return {
    flotillaToPeerThroughput: ratio(own.perSecond, peer.perSecond, "higher"),
    flotillaToPeerP50: latency(50),
    flotillaToPeerP99: latency(99),
  };
}

function ratio(own: number, peer: number, better: Figure["better"]): Figure {
  return figure([own / peer], "x", better);
}
