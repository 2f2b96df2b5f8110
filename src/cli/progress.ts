/**
 * Shows how far a run is: one line that is rewritten on a terminal, a line a phase elsewhere.
 * Always on stderr.
 */
import pc from "picocolors";

const redrawMs = 200;
/** A rate is that of a span of this length at least: counts come in steps. */
const rateMs = 1_000;

export class Progress {
  private prefix = "";
  private text = "";
  private count: (() => number) | undefined;
  private counting = "";
  private counted = 0;
  private countedMs = 0;
  private rate = 0;
  private readonly startMs: number = performance.now();
  private readonly live: boolean = process.stderr.isTTY;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor() {
    if (this.live) this.timer = setInterval(() => this.draw(), redrawMs);
  }

  /** What the phases from here on are parts of. */
  section(text: string): void {
    this.prefix = `${text}: `;
  }

  /**
   * Enters a phase. `count` gives a number that grows and whose rate is shown; `counting` says of
   * what.
   */
  phase(text: string, count?: () => number, counting: string = "acknowledged writes"): void {
    if (this.live && this.text !== "") process.stderr.write("\n");
    this.text = `${this.prefix}${text}`;
    this.count = count;
    this.counting = counting;
    this.counted = count?.() ?? 0;
    this.countedMs = performance.now();
    this.rate = 0;
    this.draw();
    if (!this.live) process.stderr.write("\n");
  }

  end(): void {
    clearInterval(this.timer);
    if (this.live) process.stderr.write("\n");
  }

  private draw(): void {
    const seconds = ((performance.now() - this.startMs) / 1_000).toFixed(1).padStart(6);
    const line = `${pc.dim(`${seconds} s`)}  ${this.text}${this.describeRate()}`;
    process.stderr.write(this.live ? `\r\u001b[2K${line}` : line);
  }

  private describeRate(): string {
    if (this.count === undefined || !this.live) return "";
    const nowMs = performance.now();
    const count = this.count();
    if (nowMs - this.countedMs >= rateMs) {
      this.rate = ((count - this.counted) * 1_000) / (nowMs - this.countedMs);
      this.counted = count;
      this.countedMs = nowMs;
    }
    const total = count.toLocaleString("en");
    const rate = Math.round(this.rate).toLocaleString("en");
    return pc.cyan(`  ${total} ${this.counting}, ${rate}/s`);
  }
}
