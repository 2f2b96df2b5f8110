/**
 * Runs the tests: each file in a process of its own, two at a time, none longer than
 * `fileTimeoutMs`.
 *
 *   npm test -- --only quorum     files whose path contains the text
 *   npm test -- --name 3.6.1      tests whose title contains the text or matches the /pattern/
 *   npm test -- --rewrite         data-driven tests write what they saw as expected; read the diff
 *   npm test -- --seed 42         random tests start from this seed
 *   npm test -- --rounds 20       tests of failing disks draw so many times more faults
 *
 * The list is made from the sources, so that a compiled file whose source is gone never runs.
 */
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { failUsage, parseArguments } from "./parse-arguments.ts";

const fileTimeoutMs = 240_000;
const root = join(import.meta.dirname, "../..");

const { values } = parseArguments({
  options: {
    only: { type: "string", default: "" },
    name: { type: "string" },
    rewrite: { type: "boolean", default: false },
    seed: { type: "string" },
    rounds: { type: "string" },
  },
});

function listTestFiles(only: string): string[] {
  return readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => join("test", path))
    .filter((path) => path.includes(only))
    .sort();
}

if (values.rewrite) process.env["FLOTILLA_REWRITE"] = "1";
if (values.rounds !== undefined) {
  const rounds = Number(values.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1)
    failUsage(`--rounds "${values.rounds}" is no count`);
  process.env["FLOTILLA_ROUNDS"] = values.rounds;
}
if (values.seed !== undefined) {
  if (!Number.isSafeInteger(Number(values.seed)))
    failUsage(`--seed "${values.seed}" is no integer`);
  process.env["FLOTILLA_SEED"] = values.seed;
  // Each test's process takes the seed before it loads its file, so that no property has to ask for
  // it.
  const preload = new URL("./fast-check-seed.js", import.meta.url);
  process.env["NODE_OPTIONS"] = `${process.env["NODE_OPTIONS"] ?? ""} --import=${preload.href}`;
}

const sources = listTestFiles(values.only);
if (sources.length === 0) failUsage(`no test file's path contains "${values.only}"`);
const files = sources.map((path) => join(root, "dist", path.replace(/\.ts$/, ".js")));
for (const file of files) {
  if (!existsSync(file))
    failUsage(`${relative(root, file)} is missing: build first, with npm run build`);
}

const startedMs = Date.now();
const failedFiles = new Set<string>();
const count = { pass: 0, fail: 0, skip: 0 };

const stream = run({
  files,
  concurrency: 2,
  timeout: fileTimeoutMs * Number(process.env["FLOTILLA_ROUNDS"] ?? 1),
  ...(values.name === undefined ? {} : { testNamePatterns: values.name }),
});
stream.on("test:pass", (event) => {
  if (event.details.type === "suite") return;
  if (event.skip === undefined && event.todo === undefined) count.pass += 1;
  else count.skip += 1;
});
stream.on("test:fail", (event) => {
  failedFiles.add(event.file ?? event.name);
  if (event.details.type !== "suite") count.fail += 1;
});
stream.compose(new spec()).pipe(process.stdout);
stream.on("end", () => {
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  process.on("exit", () => {
    const outcome = `${count.pass} passed, ${count.fail} failed, ${count.skip} not run`;
    process.stdout.write(`\n${files.length} files: ${outcome} in ${seconds} s\n`);
    for (const file of failedFiles) {
      const path = relative(join(root, "dist"), file).replace(/\.js$/, "");
      process.stdout.write(`failed: npm test -- --only ${path}\n`);
    }
    if (failedFiles.size > 0 || count.pass === 0) process.exitCode = 1;
  });
});
