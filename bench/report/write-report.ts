/** The report's files. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BenchResult } from "../lib/result.ts";
import { drawFile } from "./draw.ts";
import { renderPage } from "./page.ts";
import { planPlots } from "./plots.ts";

export async function writePage(results: readonly BenchResult[], file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, renderPage(results));
}

/** One file a plot; returns their paths. */
export async function writeDrawings(
  results: readonly BenchResult[],
  dir: string,
): Promise<string[]> {
  await mkdir(dir, { recursive: true });
  return Promise.all(
    planPlots(results).map(async ({ id, chart }) => {
      const file = join(dir, `${id}.svg`);
      await writeFile(file, drawFile(chart));
      return file;
    }),
  );
}
