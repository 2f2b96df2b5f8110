import type { Mutant } from "../mutant.ts";

const mail = "test/unit/shard/mail.test.ts";
const handle = "test/unit/engine/shard-handle.test.ts";

/** Everything that waits is bounded in bytes of a shard and of a round. */
export const boundMutants: readonly Mutant[] = [
  {
    name: "mail-capacity-before-memory",
    says: "Memory comes before capacity: after one failed allocation later calls are cut off silently, and the shard reads other words in their place.",
    file: "src/shard/mail.ts",
    find: "    const grown = new Uint8Array(capacity);\n",
    replace: "    this.capacity = capacity;\n    const grown = new Uint8Array(capacity);\n",
    hunt: { seeds: 0 },
    killer: { file: mail },
  },
  {
    name: "burst-in-one-buffer",
    says: "Mail is posted every few MiB: a burst of large commands becomes one buffer of gigabytes, copied at each doubling, and fails as a whole.",
    file: "src/engine/shard-handle.ts",
    find: "    if (this.writer.full) this.post();\n",
    replace: "",
    hunt: { seeds: 0 },
    killer: { file: handle },
  },
];
