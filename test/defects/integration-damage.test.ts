/**
 * Defect of WARaft: damaged metadata read as "new". A replica that starts anew because it cannot
 * read what it was could vote a second time and forget what it acknowledged.
 */
import assert from "node:assert/strict";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RaftError } from "../../src/base/index.ts";
import { metaFormat } from "../../src/log/meta-entry.ts";
import { recordFormat } from "../../src/log/record-format.ts";
import { NodeCluster } from "../integration/node-cluster.ts";

/** Flips one bit, `distance` bytes behind each place where the magic number stands. */
function flipBehind(file: string, magic: number, distance: number): void {
  const mark = Buffer.alloc(4);
  mark.writeUInt32BE(magic);
  const bytes = readFileSync(file);
  let flips = 0;
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    bytes[at + distance] = (bytes[at + distance] ?? 0) ^ 0x10;
    flips += 1;
  }
  assert.ok(flips > 0, "there is something to damage");
  writeFileSync(file, bytes);
}

interface Damage {
  readonly what: string;
  /** Damages the store of shard 0, given its data file and the node's directory. */
  readonly cause: (dataFile: string, dir: string) => void;
}

const damages: readonly Damage[] = [
  {
    what: "a bit in a commit record's directory, where terms and votes stand",
    cause: (file) => flipBehind(file, recordFormat.magic, recordFormat.headerBytes + 2),
  },
  {
    what: "a bit in a commit record's number",
    cause: (file) => flipBehind(file, recordFormat.magic, recordFormat.sequenceAt + 7),
  },
  {
    what: "a bit in a group's descriptor",
    cause: (file) => flipBehind(file, metaFormat.descriptorMagic, metaFormat.headerBytes + 3),
  },
  {
    what: "a bit in the store's identity",
    cause: (file) => flipBehind(file, metaFormat.identityMagic, metaFormat.headerBytes + 3),
  },
  { what: "a data file cut to nothing", cause: (file) => truncateSync(file, 0) },
  { what: "a data file cut short", cause: (file) => truncateSync(file, 20_480) },
  {
    what: "both meta pages of the data file wiped",
    cause: (file) => {
      const bytes = readFileSync(file);
      bytes.fill(0, 0, 8_192);
      writeFileSync(file, bytes);
    },
  },
  { what: "an empty node file", cause: (_, dir) => truncateSync(join(dir, "node.json"), 0) },
];

test('WARaft: damaged metadata read as "new", where the node must refuse to open', async (t) => {
  await using cluster = new NodeCluster();
  await cluster.start(...cluster.names);
  await cluster.createGroups(12);
  await cluster.startLoad(6);
  await cluster.progress(200);
  await cluster.stopLoad();
  await cluster.kill("n3");
  const dir = cluster.dirOf("n3");
  const files = [join(dir, "shard-0", "data.mdb"), join(dir, "node.json")];
  const sound = files.map((file) => readFileSync(file));
  const [dataFile = ""] = files;
  for (const { what, cause } of damages) {
    await t.test(what, async () => {
      for (const [at, file] of files.entries()) writeFileSync(file, sound[at] ?? "");
      cause(dataFile, dir);
      await assert.rejects(
        cluster.start("n3"),
        (error) => error instanceof RaftError && error.code === "ERR_STORE_CORRUPT",
      );
      await cluster.node("n3").ended;
    });
  }
  for (const [at, file] of files.entries()) writeFileSync(file, sound[at] ?? "");
  await cluster.start("n3");
  await cluster.verify();
});
