/** A process that stands still for a part of each period, as on a machine that is overcommitted. */
import { InvalidArgumentError } from "commander";

/** `stop` is one long pause. */
export type Slowness = "stop" | { readonly stoppedMs: number; readonly periodMs: number };

const periodMsMax = 60_000;

/** `90/100`: stopped 90 of every 100 ms. */
export function slownessArgument(text: string): Slowness {
  if (text === "stop") return text;
  const [, stopped, period] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const [stoppedMs, periodMs] = [Number(stopped), Number(period)];
  if (stoppedMs >= 1 && stoppedMs < periodMs && periodMs <= periodMsMax) {
    return { stoppedMs, periodMs };
  }
  throw new InvalidArgumentError(
    `must be "stop", or like 90/100: stopped 90 of every 100 ms, ${periodMsMax} at the most`,
  );
}

export function describeSlowness(slowness: Slowness): string {
  if (slowness === "stop") return slowness;
  return `${slowness.stoppedMs}/${slowness.periodMs} ms`;
}

interface Signalled {
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
}

/** Begins with a pause. Disposing lets the process run again. */
export class SlowDown implements Disposable {
  private readonly process: Signalled;
  private readonly slowness: Slowness;
  private timer: NodeJS.Timeout | undefined;

  constructor(process: Signalled, slowness: Slowness) {
    this.process = process;
    this.slowness = slowness;
    this.stop();
  }

  private stop(): void {
    this.process.signal("SIGSTOP");
    const { slowness } = this;
    if (slowness === "stop") return;
    this.timer = setTimeout(() => this.continue(slowness), slowness.stoppedMs);
  }

  private continue({ stoppedMs, periodMs }: Exclude<Slowness, "stop">): void {
    this.process.signal("SIGCONT");
    this.timer = setTimeout(() => this.stop(), periodMs - stoppedMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
    this.process.signal("SIGCONT");
  }
}
