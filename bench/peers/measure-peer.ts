/** Measures one peer under one load after the other. */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../src/base/index.ts";
import type { BenchRun } from "../lib/command.ts";
import { measurementOf } from "./comparison.ts";
import type { Measurement, Outcome } from "./comparison.ts";
import type { Peer, PeerWork } from "./peer.ts";

/** Beyond warm-up and measurement: to start, elect, create groups, stop. Then a peer has failed. */
const setUpSecondsMax = 120;

/** The same for every engine. */
export type Load = Pick<
  PeerWork,
  "groups" | "valueBytes" | "outstanding" | "warmUpSeconds" | "seconds"
>;

export function settingsOf(peer: string, load: Load): Outcome["settings"] {
  const { groups, valueBytes, outstanding } = load;
  return { peer, groups, valueBytes, outstanding };
}

export function describeLoad(engine: string, { outstanding }: Load): string {
  return `${engine}, ${outstanding} under way`;
}

/**
 * An outcome for each load, as far as the peer got. What fails of a peer does not end the run; the
 * signal does.
 */
export async function measurePeer(
  peer: Peer,
  loads: readonly Load[],
  run: Pick<BenchRun, "dir" | "signal" | "progress">,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let remark: string | undefined;
  for (const load of loads) {
    const settings = settingsOf(peer.name, load);
    try {
      if (outcomes.length === 0) remark = await prepare(peer, run);
      if (remark === undefined) {
        const missing = `not installed: apt-get install ${peer.packages.join(" ")}`;
        return [{ settings, remark: missing }];
      }
      const measured = await measure(peer, load, run);
      // What is to be known of a peer is said once.
      outcomes.push({ settings, measured, ...(outcomes.length === 0 && { remark }) });
    } catch (error) {
      run.signal.throwIfAborted();
      return [...outcomes, { settings, remark: `failed: ${messageOf(error)}` }];
    }
  }
  return outcomes;
}

async function prepare(
  peer: Peer,
  { progress }: Pick<BenchRun, "progress">,
): Promise<string | undefined> {
  progress.phase(`preparing ${peer.name}`);
  const version = await peer.prepare();
  return version === undefined ? undefined : `version ${version}: ${peer.remark}`;
}

async function measure(
  peer: Peer,
  load: Load,
  { dir: parent, signal, progress }: Pick<BenchRun, "dir" | "signal" | "progress">,
): Promise<Measurement> {
  const seconds = load.warmUpSeconds + load.seconds + setUpSecondsMax;
  const deadline = AbortSignal.timeout(seconds * 1_000);
  const dir = await mkdtemp(join(parent, "peer-"));
  try {
    progress.phase(`measuring ${describeLoad(peer.name, load)}`);
    const either = AbortSignal.any([signal, deadline]);
    return measurementOf(await peer.run({ ...load, dir, signal: either }));
  } catch (error) {
    if (!deadline.aborted) throw error;
    throw new Error(`it has not ended after ${seconds} s`, { cause: error });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
