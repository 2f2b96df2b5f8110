/**
 * What a plot shows, apart from how it is drawn: series of points over two axes of numbers, or
 * bars by name.
 */

export interface Axis {
  readonly label: string;
  readonly unit: string;
  /** Ticks are sizes in bytes: powers of two. */
  readonly bytes?: boolean;
}

/** A line across the plot: a floor of the machine, or a limit that was asked for. */
export interface Reference {
  readonly name: string;
  readonly axis: "x" | "y";
  readonly value: number;
}

export interface LineSeries {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** @default "line" */
  readonly look?: "line" | "dashed" | "dots" | "star";
  /** Place among the colours, where two series belong together. @default its place in the chart */
  readonly color?: number;
}

export interface LineChart {
  readonly kind: "lines";
  readonly title: string;
  readonly subtitle: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly LineSeries[];
  readonly references: readonly Reference[];
}

export interface BarSeries {
  readonly name: string;
  /** One a category; undefined where nothing was measured. */
  readonly values: readonly (number | undefined)[];
}

export interface BarChart {
  readonly kind: "bars";
  readonly title: string;
  readonly subtitle: string;
  readonly value: Axis;
  /** From the top down. */
  readonly categories: readonly string[];
  readonly series: readonly BarSeries[];
  /** The category that the others are held against. */
  readonly emphasized?: string | undefined;
  /** Across the axis of values. */
  readonly references: readonly Reference[];
}

export type Chart = LineChart | BarChart;

export interface Plot {
  /** For the name of its file: `throughput-groups`. */
  readonly id: string;
  readonly bench: string;
  readonly chart: Chart;
}
