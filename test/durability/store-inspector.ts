/**
 * A process that opens store directories one after another and tells the state of each as a line of
 * JSON. A process of its own: nothing that a killed one kept in memory is here, and a damaged file
 * may crash LMDB's native code.
 *
 *      node store-inspector.js {"dirs":[…],"kind":…,"durability":…}
 */
import { writeSync } from "node:fs";
import { damagedState, stateOf } from "./store-model.ts";
import { createTrialStore } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

export interface InspectorOptions extends Omit<TrialStore, "dir"> {
  readonly dirs: readonly string[];
}

export interface Inspected {
  readonly dir: string;
  /** Of the whole store, or why it did not open. */
  readonly state: string;
  /** The same after one commit more, without it: a store goes on where it stood. */
  readonly stateAfterCommit: string;
  /** Of each group by itself; `damagedState` where the store says so of its log. */
  readonly groups: Readonly<Record<number, string>>;
}

async function inspect(options: TrialStore): Promise<Inspected> {
  const { dir } = options;
  const first = createTrialStore(options, 131_072);
  const groups: Record<number, string> = {};
  let state: string;
  try {
    const found = await first.open();
    for (const one of found) {
      const { group } = one.descriptor;
      groups[group] = one.damage === undefined ? stateOf(first, [one]) : damagedState;
    }
    state = stateOf(first, found);
  } catch (error) {
    return { dir, state: String(error), stateAfterCommit: "", groups };
  }
  const group = 0xdead_0001;
  const members = [{ node: "a", incarnation: 1 }];
  const descriptors = [{ group, members, state: "running", reason: "" } as const];
  await first.commit({ changes: [], descriptors, removed: [] });
  await first.close();
  const second = createTrialStore(options, 131_072);
  const recovered = await second.open();
  const before = recovered.filter(({ descriptor }) => descriptor.group !== group);
  const stateAfterCommit = stateOf(second, before);
  await second.close();
  return { dir, state, stateAfterCommit, groups };
}

const { dirs, ...store }: InspectorOptions = JSON.parse(process.argv[2] ?? "{}");
for (const dir of dirs) writeSync(1, `${JSON.stringify(await inspect({ dir, ...store }))}\n`);
