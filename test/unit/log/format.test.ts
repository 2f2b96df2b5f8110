/**
 * FORMAT.md tells the truth: its examples are what the code writes, and its numbers are the code's.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  decodeDescriptor,
  decodeEpoch,
  descriptorKey,
  encodeDescriptor,
  encodeEpoch,
  encodeIdentity,
  identityKey,
  identityEntry,
  metaFormat,
} from "../../../src/log/meta-entry.ts";
import {
  decodeFrameHead,
  decodeMetas,
  emptyContent,
  encodeFrameHead,
  encodeMetas,
  encodeSegmentHeader,
  frameBytes,
  layFrame,
  segmentFormat,
} from "../../../src/log/segment-format.ts";
import { crc32c } from "../../../src/wire/index.ts";
import { decodeRecord } from "../../../src/log/record.ts";
import { recordFormat } from "../../../src/log/record-format.ts";
import { makeBlock } from "../../../src/testing/index.ts";
import { recordOf } from "./record-of.ts";

const page = readFileSync(new URL("../../../../src/log/FORMAT.md", import.meta.url), "utf8");

/** The bytes of an example: in each line, pairs of hex digits up to the first two spaces. */
function example(name: string): string {
  const lines = page.split(`\`\`\`hex ${name}\n`)[1]?.split("```")[0]?.split("\n") ?? [];
  return lines.map((line) => line.split("  ")[0]?.replaceAll(" ", "") ?? "").join("");
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("the example record of FORMAT.md is what the code writes and reads", () => {
  const block = makeBlock(1, 1, [Buffer.from("hi"), Buffer.alloc(0)]);
  const changes = [
    { group: 7, commit: 0, ballot: { term: 1, vote: "a" }, blocks: [block] },
    { group: 8, commit: 5, ballot: { term: 2, vote: undefined }, blocks: [] },
  ];
  assert.equal(example("record"), hexOf(recordOf(3, changes)));
  const decoded = decodeRecord(Buffer.from(example("record"), "hex"), 3);
  assert.deepEqual(
    decoded.map(({ group, commit }) => [group, commit]),
    [
      [7, 0],
      [8, 5],
    ],
  );
});

test("the example epoch of FORMAT.md is what the code writes and reads", () => {
  assert.equal(example("epoch"), hexOf(encodeEpoch(3)));
  assert.equal(decodeEpoch(Buffer.from(example("epoch"), "hex")), 3);
});

test("the example identity and descriptor of FORMAT.md are what the code writes and reads", () => {
  const identity = { cluster: "test", node: "a", incarnation: 5, shard: 0, shards: 2 };
  assert.equal(example("identity"), hexOf(encodeIdentity(identity)));
  const members = [{ node: "a", incarnation: 5 }];
  const descriptor = { group: 7, members, state: "running", reason: "" } as const;
  const meta = { descriptor, born: 3 };
  assert.equal(example("descriptor"), hexOf(encodeDescriptor(meta)));
  const bytes = Buffer.from(example("descriptor"), "hex");
  assert.deepEqual(decodeDescriptor(descriptorKey(7), bytes), meta);
});

test("the example segment and frame of FORMAT.md are what the code writes and reads", () => {
  const entry = identityEntry({
    cluster: "test",
    node: "a",
    incarnation: 5,
    shard: 0,
    shards: 2,
  });
  const store = crc32c(entry.value);
  const header = encodeSegmentHeader({ store, segment: 1, bytes: 16_777_216 });
  assert.equal(example("segment"), hexOf(header.subarray(0, segmentFormat.headerBytes)));
  const metas = encodeMetas([entry]);
  const sizes = { metaBytes: metas.length, recordBytes: 0 };
  const frame = new Uint8Array(frameBytes(sizes));
  const laid = layFrame(frame, metas, new Uint8Array(0));
  const place = { store, epoch: 1, segment: 1, number: 1, durableThrough: 0 };
  const head = { ...emptyContent, ...sizes, ...laid, ...place };
  encodeFrameHead(frame, head);
  const bytes = Buffer.from(example("frame"), "hex");
  assert.equal(example("frame"), hexOf(frame.subarray(0, bytes.length)));
  assert.deepEqual(decodeFrameHead(bytes), head);
  const found = decodeMetas(bytes.subarray(segmentFormat.headBytes));
  assert.deepEqual(
    found?.map(({ key }) => hexOf(key)),
    [hexOf(identityKey())],
  );
});

test("the constants of FORMAT.md are those of the code", () => {
  const hex = (value: number): string => `\`${value.toString(16)}\``;
  const { versionAt, checksumAt, sequenceAt, directoryBytesAt, recordBytesAt } = recordFormat;
  const rows = [
    `| 0 | 4 | magic ${hex(recordFormat.magic)}, "FLR1" |`,
    `| ${versionAt} | 4 | format version, ${recordFormat.version} |`,
    `| ${checksumAt} | 4 | checksum of every byte from ${sequenceAt} on |`,
    `| ${sequenceAt} | 8 | the record's own sequence number |`,
    `| ${directoryBytesAt} | 4 | bytes of the directory |`,
    `| ${recordBytesAt} | 4 | bytes of the whole record |`,
    `| ${recordFormat.headerBytes} | | directory: one CBOR array |`,
    `magic ${hex(metaFormat.identityMagic)}, "FLI1", or ${hex(metaFormat.descriptorMagic)}, "FLD1"`,
    `| ${metaFormat.versionAt} | 4 | format version, ${metaFormat.version} |`,
    `| ${metaFormat.checksumAt} | 4 | checksum of every byte from ${metaFormat.headerBytes} on |`,
    `| ${metaFormat.headerBytes} | | a CBOR array |`,
    `| \`meta\` | \`${hexOf(identityKey())}\` ("i") |`,
    `| \`meta\` | \`${hexOf(descriptorKey(0).subarray(0, 1))}\` ("g"), then the group as u32 |`,
    `| 0 | 4 | magic ${hex(segmentFormat.headerMagic)}, "FLS1" |`,
    `| 0 | 4 | magic ${hex(segmentFormat.frameMagic)}, "FLF1" |`,
    `| 8 | 4 | checksum of the bytes from 12 to ${segmentFormat.headerBytes} |`,
    `| 4 | 4 | checksum of the bytes from 8 to ${segmentFormat.headBytes} |`,
    `sectors of ${segmentFormat.sectorBytes} bytes`,
    metaFormat.states.map((state, at) => `${at} ${state}`).join(", "),
    metaFormat.causes
      .map((cause, at) => `${at} ${cause ?? ""}`)
      .slice(1)
      .join(", "),
  ];
  for (const row of rows) assert.ok(page.includes(row), `FORMAT.md says: ${row}`);
});
