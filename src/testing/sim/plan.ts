/** Draws a run from a seed: the world's line and everything that is done to it. */
import { Prng } from "../../base/index.ts";
import { drawCalls, drawDuels, drawExiles } from "./plan/calls.ts";
import { Draft } from "./plan/draft.ts";
import {
  drawAddresses,
  drawClosings,
  drawDisks,
  drawHangs,
  drawNetwork,
  drawProcesses,
} from "./plan/faults.ts";
import { drawCreations, drawGroupLife, drawGroups } from "./plan/groups.ts";
import type { Script } from "./script.ts";
import { changeWorld, drawWorld, parseSettings } from "./settings.ts";
import type { WorldChanges } from "./settings.ts";
import type { Workload } from "./workload.ts";

export interface PlanOptions {
  /** Draws what clients ask; without one they use the registers of RegisterMachine. */
  readonly workload?: Workload | undefined;
  /** Settings that are not drawn, for the world's line. */
  readonly fixed?: WorldChanges | undefined;
}

/** In this order: the seed of a run is worth what its draws are. */
const parts: readonly ((draft: Draft) => void)[] = [
  drawGroups,
  drawCreations,
  drawCalls,
  drawDuels,
  drawExiles,
  drawGroupLife,
  drawProcesses,
  drawNetwork,
  drawDisks,
  drawAddresses,
  drawClosings,
  drawHangs,
];

export function planOf(seed: number, { workload, fixed }: PlanOptions = {}): Script {
  const prng = new Prng(seed);
  const drawn = drawWorld(seed, prng);
  // Of commands nothing is known here: neither how large they are nor whether they may throw.
  const own = workload === undefined ? {} : { commandBytesMax: undefined, applyError: undefined };
  const world = changeWorld(drawn, { ...own, ...fixed });
  const draft = new Draft(parseSettings(world), prng, workload);
  for (const node of draft.nodes) draft.add(0, `boot ${node}`);
  for (const draw of parts) draw(draft);
  return { world, actions: draft.lines(), expected: "ok" };
}
