import { batchMaxOf, callsFor } from "./calls.ts";
import { planClients } from "./client-plan.ts";
import { ClosedLoop } from "./closed-loop.ts";
import type { Load, LoadSettings, Target } from "./load.ts";
import { OpenLoop } from "./open-loop.ts";

/** Makes what `settings` describe. Where there are reads, there is something to read. */
export async function openLoad(target: Target, settings: LoadSettings): Promise<Load> {
  const work = { ...settings, batchMax: batchMaxOf(settings) };
  if (work.readRatio > 0) {
    const writes = callsFor(target, { ...work, readRatio: 0 });
    await Promise.all(target.groups.map((group) => writes.call(group, 0, 1)));
  }
  const calls = callsFor(target, work);
  return settings.kind === "closed"
    ? new ClosedLoop(calls, planClients(target.groups, settings.outstanding, work))
    : new OpenLoop(calls, target.groups, { ...work, rate: settings.rate });
}
