import type { Mutant } from "../mutant.ts";

/** Bytes of peers. In the simulated world bits flip on the wire, but no peer lies. */
export const wireMutants: readonly Mutant[] = [
  {
    name: "frame-checksum-skipped",
    says: "A frame that does not match its checksum closes its connection: a flipped bit becomes a message that nobody sent.",
    file: "src/wire/frame-decoder.ts",
    find: "    if (found !== this.checksum) {",
    replace: "    if (found < 0) {",
    killer: { file: "test/unit/wire/frame-decoder.test.ts", name: "every flipped bit" },
  },
  {
    name: "block-checksum-skipped-on-the-wire",
    says: "A block is checked where it comes in: bytes that were damaged in a peer's memory or disk are stored and acknowledged, and replicas differ.",
    file: "src/wire/read-messages.ts",
    find: "    if (crc32c(bytes) !== checksum) {",
    replace: "    if (checksum < 0) {",
    hunt: { seeds: 0 },
    killer: { file: "test/unit/wire/messages.test.ts", name: "no leader can have sent" },
  },
  {
    name: "falling-terms-accepted",
    says: "Bytes of a peer cost their connection and nothing else: an append whose terms fall ends the whole shard of each follower.",
    file: "src/wire/read-messages.ts",
    find: 'const term = fields.integerIn("block term", termMin, termMax);',
    replace: 'const term = fields.integer("block term");',
    hunt: { seeds: 0 },
    killer: { file: "test/unit/wire/messages.test.ts", name: "no leader can have sent" },
  },
];
