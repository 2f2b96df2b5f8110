/**
 * A process that opens store directories one after another and tells of each, as a line of JSON,
 * what it found and whether the store takes further commits. A process of its own, since a damaged
 * file may crash LMDB's native code.
 *
 *      node image-opener.js {"dirs":[…],"kind":…,"durability":…}
 */
import { writeSync } from "node:fs";
import { makeBlock } from "../../src/testing/index.ts";
import { stateDigest } from "./store-workload.ts";
import { createTrialStore } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

export interface OpenerOptions extends Omit<TrialStore, "dir"> {
  readonly dirs: readonly string[];
}

export interface Opened {
  readonly dir: string;
  /** State of the store, or why it did not open. */
  readonly digest: string;
  /** Whether a commit was taken and found again. */
  readonly writable: boolean;
}

const newGroup = 99;

async function inspect(options: TrialStore): Promise<Opened> {
  const { dir } = options;
  const store = createTrialStore(options, 0);
  let digest: string;
  try {
    digest = stateDigest(store, await store.open());
  } catch (error) {
    return { dir, digest: String(error), writable: false };
  }
  const members = [{ node: "a", incarnation: 1 }];
  const blocks = [makeBlock(1, 1, [Buffer.from("after the crash")])];
  await store.commit({
    changes: [{ group: newGroup, commit: 0, ballot: undefined, blocks }],
    descriptors: [{ group: newGroup, members, state: "running", reason: "" }],
    removed: [],
  });
  await store.close();
  const again = createTrialStore(options, 0);
  await again.open();
  const writable = again.read(newGroup, 1, 1).length === 1;
  await again.close();
  return { dir, digest, writable };
}

const { dirs, ...store }: OpenerOptions = JSON.parse(process.argv[2] ?? "{}");
for (const dir of dirs) {
  writeSync(1, `${JSON.stringify(await inspect({ dir, ...store }))}\n`);
}
