/** The catalogue lives with the sources: each of its places is still there, and there once. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { catalogue } from "./catalogue/index.ts";
import { applyEdit, editsOf } from "./mutant.ts";
import type { Mutant } from "./mutant.ts";
import { root } from "./workspace.ts";

const linesMax = 14;

function readSource(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

function findFaults(mutant: Mutant): string[] {
  const { name, says, killer, hunt } = mutant;
  const faults: string[] = [];
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)+$/.test(name)) faults.push("is not named in kebab-case");
  if (!/^[A-Z].*: .*\.$/.test(says)) faults.push("says no rule with what a user would see");
  if (hunt?.seeds === 0 && killer === undefined) faults.push("is hunted by nobody");
  for (const edit of editsOf(mutant)) {
    if (applyEdit(readSource(edit.file), edit) === undefined) {
      faults.push(`finds its place in ${edit.file} not once`);
    }
    if (edit.find === edit.replace) faults.push("changes nothing");
    if (edit.find.split("\n").length > linesMax) faults.push("is no small change");
  }
  if (killer?.name !== undefined && !readSource(killer.file).includes(killer.name)) {
    faults.push(`names a test that ${killer.file} does not have`);
  }
  return faults.map((fault) => `${name} ${fault}`);
}

test("each mutant finds its place in the sources once, and says what it breaks", () => {
  assert.ok(catalogue.length >= 40, "the catalogue is whole");
  assert.deepEqual(catalogue.flatMap(findFaults), []);
});

test("no two mutants have one name, and ten of them are quick", () => {
  assert.equal(new Set(catalogue.map(({ name }) => name)).size, catalogue.length);
  assert.equal(catalogue.filter(({ quick }) => quick === true).length, 10);
});

test("a fault of the catalogue is found", () => {
  const sound: Mutant = {
    name: "a-fault",
    says: "Rule: what a user would see.",
    file: "src/raft/hard-state.ts",
    find: "export interface HardState",
    replace: "export interface Other",
  };
  assert.deepEqual(findFaults(sound), []);
  const spoilt: readonly [Partial<Mutant>, RegExp][] = [
    [{ name: "AFault" }, /kebab-case/],
    [{ says: "no rule" }, /says no rule/],
    [{ find: "is not there" }, /not once/],
    [{ find: "readonly" }, /not once/],
    [{ replace: sound.find }, /changes nothing/],
    [{ find: "\n".repeat(linesMax) }, /no small change/],
    [{ hunt: { seeds: 0 } }, /hunted by nobody/],
    [{ killer: { file: "test/run.ts", name: "no such title" } }, /does not have/],
  ];
  for (const [change, expected] of spoilt) {
    assert.match(findFaults({ ...sound, ...change }).join("\n"), expected);
  }
});
