/**
 * What every LogStore must do, as a list of cases to run under any test framework:
 *
 *      for (const { name, run } of logStoreSuite(createPlace)) test(name, run);
 *
 * A place is where a store keeps its data: a new directory, or memory that outlives its store. Each
 * case gets a place of its own and opens one store after another on it; opening the next is the
 * restart.
 */
import { logStoreEntryCases } from "./log-store-entries.ts";
import { logStoreGroupCases } from "./log-store-groups.ts";
import { logStoreOwnerCases } from "./log-store-owners.ts";
import { StoreTrial } from "./store-trial.ts";
import type { StorePlace } from "./store-trial.ts";

export type CreatePlace = () => Promise<StorePlace>;

export interface SuiteCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

const cases = [...logStoreEntryCases, ...logStoreGroupCases, ...logStoreOwnerCases];

export function logStoreSuite(createPlace: CreatePlace): SuiteCase[] {
  return cases.map(({ name, run }) => ({
    name,
    run: async () => {
      const trial = new StoreTrial(await createPlace());
      try {
        await run(trial);
      } finally {
        await trial.remove();
      }
    },
  }));
}
