/** PROTOCOL.md is the specification: its examples, numbers and limits are those of the code. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { limits } from "../../../src/base/index.ts";
import { blockKind } from "../../../src/raft/index.ts";
import {
  FrameDecoder,
  bodyKind,
  clusterLengthMax,
  greetingBytesMax,
  greetingLane,
  messageType,
  nonceBytes,
  protocolMagic,
  protocolVersion,
  readGreeting,
  readMessages,
  refusalReason,
} from "../../../src/wire/index.ts";
import { exampleSecret, examples } from "./protocol-examples.ts";
import { collect, from, to } from "./sample-messages.ts";

const page = readFileSync(join(import.meta.dirname, "../../../../src/wire/PROTOCOL.md"), "utf8");

/** The text from a heading to the next heading of any level. */
function sectionOf(heading: string): string {
  const start = page.indexOf(`\n${heading}\n`);
  assert.ok(start >= 0, `the page has a section ${heading}`);
  const end = page.indexOf("\n#", start + heading.length + 1);
  return page.slice(start, end < 0 ? undefined : end);
}

/** Rows `| number | name | …` of a section's table. */
function numbersOf(heading: string): Record<string, number> {
  const rows = sectionOf(heading).matchAll(/^\| *(\d+) *\| *`(\w+)`/gm);
  return Object.fromEntries([...rows].map((row) => [row[2], Number(row[1])]));
}

/** Bytes of an example: hexadecimal digits up to a `;` in each line of the block after its name. */
function exampleOf(name: string): Buffer {
  const block = new RegExp(`\`\`\`text example=${name}\n([^\`]*)\`\`\``).exec(page)?.[1];
  assert.ok(block !== undefined, `the page has an example ${name}`);
  const digits = block
    .split("\n")
    .map((line) => line.replace(/;.*/, ""))
    .join("")
    .replace(/\s/g, "");
  assert.match(digits, /^(?:[0-9a-f]{2})+$/);
  return Buffer.from(digits, "hex");
}

test("each example of the page is what the code sends, byte by byte", () => {
  for (const [name, frame] of Object.entries(examples)) {
    assert.equal(exampleOf(name).toString("hex"), Buffer.from(frame).toString("hex"), name);
  }
  assert.ok(page.includes(`\`${exampleSecret}\``), "the page names the secret of its examples");
});

test("each example of the page is read by the code", () => {
  const kinds: string[] = [];
  for (const name of Object.keys(examples)) {
    new FrameDecoder().push(exampleOf(name), (body) => {
      if (name !== "messages") {
        kinds.push(readGreeting(body).kind);
        return;
      }
      assert.equal(readMessages(body, from, to, collect().sink), 2);
      kinds.push(name);
    });
  }
  assert.deepEqual(kinds, Object.keys(examples));
});

test("the page numbers everything as the code does", () => {
  assert.deepEqual(numbersOf("## Bodies"), { ...bodyKind });
  assert.deepEqual(numbersOf("### Lanes"), { ...greetingLane });
  assert.deepEqual(numbersOf("### Refusal"), { ...refusalReason });
  assert.deepEqual(numbersOf("### Block kinds"), { ...blockKind });
  const groupMessages = numbersOf("### Messages of a group");
  const shardMessages = numbersOf("### Messages between shards");
  assert.deepEqual({ ...groupMessages, ...shardMessages }, { ...messageType });
});

test("the page states the limits, the magic and the version of the code", () => {
  const section = sectionOf("## Limits");
  const stated = [
    limits.frameBytesMax,
    greetingBytesMax,
    limits.cborDepthMax,
    limits.frameMessagesMax,
    limits.messageBlocksMax,
    limits.endingsMax,
    limits.shardsMax,
    clusterLengthMax,
    nonceBytes,
  ];
  for (const limit of stated) {
    assert.ok(section.includes(`| ${limit.toLocaleString("en")} `), `limit ${limit}`);
  }
  assert.ok(page.includes(`\`"${protocolMagic}"\``));
  assert.ok(page.includes(`speaks versions ${protocolVersion.min} to ${protocolVersion.max}.`));
});
