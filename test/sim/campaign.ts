/**
 * Seeds that no version of the sources has run before: the first follows from what the simulated
 * layers and the simulator say, so that each change is met by other runs, and the same change by the
 * same ones wherever it is tried.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve, sep } from "node:path";

/** Where the compiled files of `dist/test/sim` have their sources. */
const root = resolve(import.meta.dirname, "../../..");
const layers = ["base", "raft", "wire", "log", "transport", "shard", "testing"];
/** Far from the seeds that people and `npm test` begin at. */
const firstMin = 1_000_000;

/** The first seed of a campaign on the sources as they are. */
export function campaignSeed(): number {
  const hash = createHash("sha256");
  for (const layer of layers) {
    const folder = join(root, "src", layer);
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    for (const name of names.filter((path) => path.endsWith(".ts")).sort()) {
      hash
        .update(`${layer}/${name.split(sep).join("/")}\0`)
        .update(readFileSync(join(folder, name)));
    }
  }
  return firstMin + (hash.digest().readUInt32BE() % (0xffff_ffff - 2 * firstMin));
}
