/** Charts as SVG, by ECharts without a page around it. Needs no script and no network to be seen. */
import { BarChart as BarPlot, LineChart as LinePlot } from "echarts/charts";
import {
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
} from "echarts/components";
import { init, setPlatformAPI, use } from "echarts/core";
import type { EChartsCoreOption } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Axis, BarChart, Chart, LineChart, LineSeries, Reference } from "./chart.ts";
import { formatBytes, formatShort, unitInWords } from "./format.ts";
import { escapeText } from "./html.ts";
import { fontStack, gridLine, ink, paletteCss, paper, seriesStyle, softInk } from "./palette.ts";
import { scaleFor } from "./scale.ts";
import type { Scale } from "./scale.ts";

use([
  LinePlot,
  BarPlot,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  SVGRenderer,
]);

// Without a page there is nobody to ask how wide a text is. Wide fonts are assumed, so that what
// stands side by side has room in all of them. An ideograph asks for the height of a line.
setPlatformAPI({
  measureText: (text, font) => {
    const size = Number(/([\d.]+)px/.exec(font ?? "")?.[1] ?? 12);
    const ideographs = text.match(/\p{Script=Han}/gu)?.length ?? 0;
    return { width: size * (ideographs + 0.6 * (text.length - ideographs)) };
  },
});

const width = 680;
const lineHeight = 440;
const barHeight = 26;
/** Title, legend, axis and its name: what stands above and below the bars. */
const barSurround = 160;

/** For a page that has the palette's variables. It takes the width that it is given. */
export function drawInline(chart: Chart): string {
  const { svg } = draw(chart);
  return svg.replace(/ width="\d+" height="\d+"/, "");
}

/** For a file of its own, on paper of its own. */
export function drawFile(chart: Chart): string {
  const { svg, height } = draw(chart);
  const own = `<style>${paletteCss}</style><rect width="${width}" height="${height}" rx="8" fill="${paper}"/>`;
  return `${svg.replace(/>/, `>${own}`)}\n`;
}

function draw(chart: Chart): { readonly svg: string; readonly height: number } {
  const bars = chart.kind === "bars" ? chart.categories.length * chart.series.length : 0;
  const height = chart.kind === "bars" ? Math.max(260, barSurround + bars * barHeight) : lineHeight;
  const plot = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    plot.setOption({
      animation: false,
      textStyle: { fontFamily: fontStack, color: ink },
      ...(chart.kind === "bars" ? barOption(chart) : lineOption(chart)),
    });
    return { svg: tidy(plot.renderToSVGString(), chart), height };
  } finally {
    plot.dispose();
  }
}

/** Takes out what only a script would use, and says to those who listen what is to be seen. */
function tidy(svg: string, chart: Chart): string {
  const label = escapeText(`${chart.title}. ${chart.subtitle}`);
  return svg
    .replace(/ (?:ecmeta_\w+|pointer-events)="[^"]*"/g, "")
    .replace(/ class="zr\d+-cls-\d+"/g, "")
    .replace(/<style[\s\S]*?<\/style>/g, "")
    .replace(/ xmlns:xlink="[^"]*"| version="1.1"| baseProfile="full"/g, "")
    .replace(/<svg/, `<svg role="img" aria-label="${label}"`)
    .replace(/\n/g, "");
}

function titleOption({ title, subtitle }: Chart): object {
  return {
    text: title,
    subtext: subtitle,
    left: 18,
    top: 14,
    itemGap: 6,
    textStyle: { fontSize: 16, fontWeight: 600, color: ink },
    subtextStyle: { fontSize: 12, color: softInk },
  };
}

function legendOption(names: readonly string[]): object {
  return {
    show: names.length > 1,
    data: [...names],
    left: 18,
    right: 18,
    bottom: 8,
    itemGap: 16,
    itemWidth: 34,
    itemHeight: 9,
    textStyle: { color: ink, fontSize: 12 },
  };
}

/** Height of the legend's lines: about so many letters stand side by side. */
function legendHeight(names: readonly string[]): number {
  if (names.length < 2) return 0;
  const letters = names.reduce((sum, name) => sum + name.length + 9, 0);
  return 10 + 24 * Math.ceil(letters / 92);
}

function valueAxis(axis: Axis, scale: Scale): object {
  const format = axis.bytes === true ? formatBytes : formatShort;
  const unit = unitInWords(axis.unit);
  return {
    type: scale.log ? "log" : "value",
    min: scale.min,
    max: scale.max,
    name: unit === "" ? axis.label : `${axis.label} (${unit})`,
    nameTextStyle: { color: softInk, fontSize: 12 },
    axisLine: { show: true, lineStyle: { color: gridLine } },
    axisTick: { show: false, customValues: scale.ticks },
    axisLabel: {
      color: softInk,
      fontSize: 12,
      customValues: scale.ticks,
      hideOverlap: true,
      formatter: (value: number) => format(value),
    },
    minorTick: { show: false },
    splitLine: { show: true, lineStyle: { color: gridLine } },
  };
}

function referenceOption(references: readonly Reference[]): object {
  return {
    silent: true,
    symbol: "none",
    animation: false,
    lineStyle: { color: softInk, type: [5, 4], width: 1.2 },
    label: { color: softInk, fontSize: 11, position: "insideStartTop", formatter: "{b}" },
    data: references.map(({ name, axis, value }) => ({
      name,
      [axis === "x" ? "xAxis" : "yAxis"]: value,
    })),
  };
}

function valuesOn(chart: LineChart, axis: "x" | "y"): number[] {
  const measured = chart.series.flatMap(({ points }) =>
    points.map(([x, y]) => (axis === "x" ? x : y)),
  );
  const lines = chart.references.filter((reference) => reference.axis === axis);
  return [...measured, ...lines.map(({ value }) => value)];
}

function lineOption(chart: LineChart): EChartsCoreOption {
  const names = chart.series.map(({ name }) => name);
  const xScale = scaleFor(valuesOn(chart, "x"), { bytes: chart.x.bytes === true });
  const yScale = scaleFor(valuesOn(chart, "y"), { bytes: chart.y.bytes === true });
  return {
    title: titleOption(chart),
    legend: legendOption(names),
    grid: { left: 76, right: 34, top: 84, bottom: 58 + legendHeight(names), containLabel: false },
    xAxis: { ...valueAxis(chart.x, xScale), nameLocation: "middle", nameGap: 32 },
    yAxis: { ...valueAxis(chart.y, yScale), nameLocation: "middle", nameGap: 54 },
    series: chart.series.map((series, at) => ({
      ...lineSeriesOption(series, series.color ?? at),
      ...(at === 0 ? { markLine: referenceOption(chart.references) } : {}),
    })),
  };
}

function lineSeriesOption({ name, points, look = "line" }: LineSeries, at: number): object {
  const { color, symbol } = seriesStyle(at);
  const bare = look === "dots" || look === "star";
  const sizes = { line: 8, dashed: 7, dots: 7, star: 17 };
  return {
    name,
    type: "line",
    data: points.map(([x, y]) => [x, y]),
    color,
    symbol: look === "star" ? "diamond" : look === "dots" ? "circle" : symbol,
    symbolSize: sizes[look],
    showSymbol: true,
    showAllSymbol: true,
    silent: true,
    emphasis: { disabled: true },
    z: look === "star" ? 5 : 3,
    itemStyle: { color, opacity: look === "dots" ? 0.45 : 1, borderWidth: 0 },
    lineStyle: { color, width: bare ? 0 : 2, type: look === "dashed" ? "dashed" : "solid" },
  };
}

function barOption(chart: BarChart): EChartsCoreOption {
  const names = chart.series.map(({ name }) => name);
  const known = chart.series.flatMap(({ values }) => values.filter((value) => value !== undefined));
  const scale = scaleFor([...known, ...chart.references.map(({ value }) => value)], { bars: true });
  const longest = Math.max(...chart.categories.map((name) => name.length));
  return {
    title: titleOption(chart),
    legend: legendOption(names),
    grid: {
      left: Math.min(240, 34 + longest * 7),
      right: 70,
      top: 76,
      bottom: 58 + legendHeight(names),
    },
    xAxis: { ...valueAxis(chart.value, scale), nameLocation: "middle", nameGap: 32 },
    yAxis: {
      type: "category",
      inverse: true,
      data: [...chart.categories],
      axisTick: { show: false },
      axisLine: { lineStyle: { color: gridLine } },
      axisLabel: { color: ink, fontSize: 12, interval: 0, width: 205, overflow: "truncate" },
    },
    series: chart.series.map((_, at) => ({
      ...barSeriesOption(chart, at),
      ...(at === 0 ? { markLine: referenceOption(chart.references) } : {}),
    })),
  };
}

function barSeriesOption(chart: BarChart, at: number): object {
  const { color } = seriesStyle(at);
  const others = chart.emphasized !== undefined && chart.series.length === 1;
  return {
    name: chart.series[at]?.name,
    type: "bar",
    color,
    barMaxWidth: 22,
    barGap: "15%",
    silent: true,
    emphasis: { disabled: true },
    itemStyle: { borderRadius: [0, 3, 3, 0] },
    label: {
      show: true,
      position: "right",
      color: ink,
      fontSize: 12,
      formatter: ({ value }: { readonly value: unknown }) =>
        typeof value === "number" ? formatShort(value) : "",
    },
    data: chart.categories.map((category, row) => ({
      value: chart.series[at]?.values[row] ?? "-",
      ...(others && category !== chart.emphasized ? { itemStyle: { color: softInk } } : {}),
    })),
  };
}
