/** `report`: saved results as one page that needs nothing else, and as drawings. */
import { Command } from "commander";
import { readResult } from "../lib/read-result.ts";

interface ReportOptions {
  readonly out: string;
  readonly svg?: string;
}

export function reportCommand(): Command {
  return new Command("report")
    .description("saved results as one HTML page with plots and tables, without scripts or network")
    .argument("<file...>", "what --save wrote, of any benchmarks and runs")
    .option("--out <file>", "the page", "report.html")
    .option("--svg <dir>", "also writes each plot to a file of its own")
    .action(async (files: readonly string[], { out, svg }: ReportOptions) => {
      const results = await Promise.all(files.map(readResult));
      // The chart library takes its time to load, and no other command needs it.
      const { writeDrawings, writePage } = await import("../report/write-report.ts");
      await writePage(results, out);
      const drawings = svg === undefined ? [] : await writeDrawings(results, svg);
      process.stdout.write(`${[out, ...drawings].join("\n")}\n`);
    });
}
