import { RaftError } from "../../../src/index.ts";
import { batchMaxOf, callsFor } from "./calls.ts";
import { shareOf } from "./client-plan.ts";
import type { Target, Work } from "./load.ts";

const groupsAtOnce = 256;

/** Gives each group a log of so many entries, in as few calls as possible. */
export async function fillGroups(target: Target, entries: number, work: Work): Promise<void> {
  const { groups } = target;
  const calls = callsFor(target, work);
  const batches = Math.ceil(entries / batchMaxOf(work));
  for (let first = 0; first < groups.length; first += groupsAtOnce) {
    const some = groups.slice(first, first + groupsAtOnce);
    for (let batch = 0; batch < batches; batch += 1) {
      const count = shareOf(entries, batches, batch);
      const answers = await Promise.all(some.map((group) => calls.call(group, 0, count)));
      const failed = answers.flat().find((answer) => answer instanceof RaftError);
      if (failed !== undefined) throw failed;
    }
  }
}
