/** Writes what clients saw as JSON lines; test/README.md has the format. */
import { closeSync, openSync, writeSync } from "node:fs";
import { formatOperation, operationsOf } from "../../src/testing/index.ts";
import type { Recorded } from "../../src/testing/index.ts";

export class HistoryFile {
  private readonly file: number;
  private groups = 0;

  constructor(path: string) {
    this.file = openSync(path, "w");
  }

  add(operations: readonly Recorded[]): void {
    const lines = operationsOf(operations).map((one) => {
      // Each seed has groups of its own.
      return `${formatOperation({ ...one, group: one.group + this.groups })}\n`;
    });
    this.groups += lines.length;
    writeSync(this.file, lines.join(""));
  }

  close(): void {
    closeSync(this.file);
  }
}
