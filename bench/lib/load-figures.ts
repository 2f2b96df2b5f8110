/** The figures of a loaded cluster. */
import type { LoadWindow } from "./cluster/load-window.ts";
import type { Latencies } from "./latencies.ts";
import { figure } from "./result.ts";
import type { Figure, Point } from "./result.ts";

const percents = [
  ["p50", 50],
  ["p90", 90],
  ["p99", 99],
  ["p999", 99.9],
  ["max", 100],
] as const;

export type Figures = Record<string, Figure>;

/** None where nothing was timed. `name` stands before each figure's name, as in `readP99`. */
export function latencyFigures(latencies: Latencies, name: string = ""): Figures {
  if (latencies.count === 0) return {};
  const entries = percents.map(([label, percent]) => {
    const ms = percent === 100 ? latencies.maxMs : latencies.percentile(percent);
    const key = name === "" ? label : `${name}${label[0]?.toUpperCase()}${label.slice(1)}`;
    return [key, figure([ms], "ms", "lower")] as const;
  });
  return Object.fromEntries(entries);
}

/** What one call costs; `what` is a `Proposal` or a `Read`. */
export function costFigures({ used, done, seconds }: LoadWindow, what: string): Figures {
  const each = Math.max(1, done);
  return {
    [`cpuPer${what}`]: figure([used.cpuMicros / each], "us", "lower"),
    cores: figure([used.cpuMicros / 1e6 / seconds], ""),
    flushes: figure([used.flushes / seconds], "/s"),
    written: figure([used.bytesWritten / 1e6 / seconds], "MB/s"),
    [`framesPer${what}`]: figure([used.framesSent / each], "", "lower"),
  };
}

export function failedFigure({ failed }: LoadWindow): Figure {
  const sum = Object.values(failed).reduce((total, count) => total + count, 0);
  return figure([sum], "", "lower");
}

/** A point's remark, where there is one: calls that failed, and `more`. */
export function remarkOf({ failed }: LoadWindow, more: string = ""): Pick<Point, "remark"> {
  const codes = Object.entries(failed).map(([code, count]) => `${count} × ${code}`);
  const remarks = codes.length === 0 ? [] : [`calls failed: ${codes.join(", ")}`];
  if (more !== "") remarks.push(more);
  return remarks.length === 0 ? {} : { remark: remarks.join("; ") };
}
