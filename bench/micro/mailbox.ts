/** Mail between the main thread and a shard: 64 calls there, their 64 results back. */
import { EntryCursor } from "../../src/raft/index.ts";
import { MailReader, MailWriter, answerKind, callKind } from "../../src/shard/index.ts";
import type { MicroSuite } from "./suite.ts";

const calls = 64;
const timeoutMs = 5_000;
const noFlags = 0;
const command = new Uint8Array(16).fill(7);
const commands = [command];
const result = new Uint8Array(8).fill(3);

const writer = new MailWriter();
const cursor = new EntryCursor();

function packProposals(): ArrayBuffer {
  for (let call = 1; call <= calls; call += 1) {
    writer.begin(callKind.propose, command.length + 5);
    writer.word(call);
    writer.word(call);
    writer.word(noFlags);
    writer.word(timeoutMs);
    writer.word(commands.length);
    writer.entries(commands);
  }
  return writer.take();
}

/** Every field, and every entry, as a shard would look at them. */
function readProposals(mail: ArrayBuffer): number {
  const reader = new MailReader(mail);
  let sum = 0;
  while (!reader.done) {
    for (let word = 0; word < 6; word += 1) sum += reader.word();
    reader.block();
    cursor.reset(reader.view());
    while (cursor.next()) sum += cursor.end - cursor.start;
  }
  return sum;
}

function packResults(): ArrayBuffer {
  for (let call = 1; call <= calls; call += 1) {
    writer.begin(answerKind.applied, result.length);
    writer.word(call);
    writer.double(100_000 + call);
    writer.word(1);
    writer.result(result, false);
  }
  return writer.take();
}

function readResults(mail: ArrayBuffer): number {
  const reader = new MailReader(mail);
  let sum = 0;
  while (!reader.done) {
    sum += reader.word() + reader.word() + reader.double();
    for (let results = reader.word(); results > 0; results -= 1) {
      reader.result();
      sum += reader.copy().length;
    }
  }
  return sum;
}

export const mailboxSuite: MicroSuite = {
  name: "mailbox",
  prepare: async () => {
    const proposals = packProposals();
    const results = packResults();
    const common = { operations: calls };
    return {
      cases: [
        { name: "pack proposals of 16 B", operation: "proposal", ...common, run: packProposals },
        {
          name: "read proposals of 16 B",
          operation: "proposal",
          ...common,
          run: () => readProposals(proposals),
        },
        { name: "pack results of 8 B", operation: "result", ...common, run: packResults },
        {
          name: "read results of 8 B",
          operation: "result",
          ...common,
          run: () => readResults(results),
        },
      ],
    };
  },
};
