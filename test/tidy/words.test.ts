/**
 * One word, one meaning: see the table in .github/CONTRIBUTING.md. Only what a pattern can tell
 * safely is checked here; `clusterId` and the like are right, since a deployment of nodes is a
 * cluster.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findInLines, layerOf, listFiles, readText } from "./source-tree.ts";

interface BannedWord {
  readonly pattern: RegExp;
  readonly instead: string;
  /** The layers it is banned in; a service and a transport do have servers. */
  readonly layers?: readonly string[];
}

const bannedWords: readonly BannedWord[] = [
  {
    pattern: /\b[a-z]*servers?\b/i,
    instead: "replica, node or peer",
    layers: ["base", "raft", "wire", "log", "shard"],
  },
  {
    pattern: /\braft clusters?\b|\bcluster('s)? leader\b|\bleader of (?:the|a) cluster\b/i,
    instead: "group",
  },
  { pattern: /\b(?:raft|consensus) shards?\b|\bshard('s)? leader\b/i, instead: "group" },
  { pattern: /\b(?:slave|master)\b/i, instead: "follower, leader" },
  { pattern: /\b[A-Z]\w*(?:Impl|Helper|Utils?)\b/, instead: "a name that says what it does" },
  { pattern: /\binterface I[A-Z][a-z]\w*/, instead: "the name without its I" },
  {
    pattern: /\bTCP[A-Z]\w+|\bCBOR[A-Z]\w+|\bLMDB[A-Z]\w+/,
    instead: "the acronym as a word: TcpLink",
  },
];

function findBannedWords(path: string, text: string): string[] {
  const layer = layerOf(path) ?? "";
  const banned = bannedWords.filter((word) => word.layers?.includes(layer) ?? true);
  return findInLines(path, text, (line) => {
    for (const { pattern, instead } of banned) {
      const found = pattern.exec(line)?.[0];
      if (found !== undefined) return `"${found}": say ${instead}`;
    }
    return undefined;
  });
}

test("sources use the words of the project", () => {
  assert.deepEqual(
    listFiles("src", ".ts").flatMap((path) => findBannedWords(path, readText(path))),
    [],
  );
});

test("a banned word is found, and the same word in its right place is not", () => {
  const lines = [
    "the server votes",
    "a Raft cluster",
    "class TCPLink",
    "class LinkImpl",
    "interface IStore",
  ];
  const found = findBannedWords("src/raft/x.ts", lines.join("\n"));
  assert.equal(found.length, lines.length, found.join("\n"));
  assert.deepEqual(findBannedWords("src/transport/x.ts", "node:net calls it a server"), []);
  assert.deepEqual(findBannedWords("src/engine/x.ts", "clusterId: names the cluster"), []);
});
