/** The frames that PROTOCOL.md shows in hexadecimal, made by the code. */
import {
  MessageBatch,
  bodyOfFrame,
  encodeHello,
  encodeProof,
  encodeRefusal,
  encodeWelcome,
  encodeWelcomeBytes,
  greetingProof,
  wholeFrame,
} from "../../../src/wire/index.ts";
import { blockOf, from, to } from "./sample-messages.ts";

export const exampleSecret = "open sesame";

function makeExamples(): Readonly<Record<string, Uint8Array>> {
  const hello = encodeHello({
    versionMin: 2,
    versionMax: 2,
    cluster: "shop",
    node: "a",
    incarnation: 1,
    shard: 0,
    shards: 2,
    targetNode: "b",
    targetShard: 0,
    lane: "control",
    frameBytesMax: 16_777_216,
    nonce: new Uint8Array(32).fill(0xaa),
    instance: 3,
  });
  const welcomeBytes = encodeWelcomeBytes({
    version: 2,
    node: "b",
    incarnation: 7_000_000_000,
    shard: 0,
    ports: [7101],
    frameBytesMax: 16_777_216,
    nonce: new Uint8Array(32).fill(0xbb),
    instance: 4,
  });
  const said = { helloBody: bodyOfFrame(hello), welcomeBytes };
  const batch = new MessageBatch();
  batch.addMessage(7, 9, {
    kind: "heartbeatRequest",
    from,
    to,
    term: 3,
    commit: 40,
    commitTerm: 2,
    readRound: 2,
  });
  batch.addMessage(8, 5_000_000_000, {
    kind: "appendRequest",
    from,
    to,
    term: 4,
    prevIndex: 40,
    prevTerm: 3,
    commit: 40,
    blocks: [blockOf(41, 4, Buffer.from("one"), Buffer.from("two"))],
  });
  return {
    hello,
    welcome: encodeWelcome(welcomeBytes, greetingProof(exampleSecret, "acceptor", said)),
    proof: encodeProof(greetingProof(exampleSecret, "dialler", said)),
    refusal: encodeRefusal("shardMismatch", "not here"),
    messages: wholeFrame(batch.take()),
  };
}

export const examples: Readonly<Record<string, Uint8Array>> = makeExamples();
