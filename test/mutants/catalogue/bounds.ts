import type { Mutant } from "../mutant.ts";

const mail = "test/unit/shard/mail.test.ts";
const bounds = "test/inline/bounds.test.ts";
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
  {
    name: "leader-seals-all-in-one-round",
    says: "A round writes roundBytesMax: a burst to many groups becomes one transaction of hundreds of megabytes, which holds the loop for seconds and loses every leadership.",
    file: "src/shard/shard.ts",
    find: "    while (open.calls > 0 && roundBytes > 0 && raft.admits) {",
    replace: "    while (open.calls > 0 && raft.admits) {",
    also: [
      {
        file: "src/shard/shard.ts",
        find: "this.commitNotices, this.roundBytes);",
        replace: "this.commitNotices);",
      },
    ],
    killer: { file: bounds },
  },
  {
    name: "served-groups-first-again",
    says: "Groups take turns: those that always have something to write fill every round, and the calls of all others wait until they are done.",
    file: "src/shard/shard.ts",
    find: "unserved.concat(context.dirty);",
    replace: "context.dirty.concat(unserved);",
    killer: { file: bounds },
  },
  {
    name: "acknowledged-before-handed-over",
    says: "Persist, then speak: a follower that writes a long run of entries in several rounds acknowledges all of it with the first.",
    file: "src/raft/raft.ts",
    find: "log.handed === log.lastIndex ? state.durableMessages : none;",
    replace: "state.durableMessages;",
    killer: { file: "test/unit/raft/raft.test.ts" },
  },
  {
    name: "commits-beyond-what-is-handed-over",
    says: "A commit index is written with the entries that it is of (src/raft/raft.ts): of a log that is written in several rounds a crash leaves a replaced entry that the disk says to be committed, and it is applied.",
    file: "src/raft/raft.ts",
    find: "      commit: Math.min(log.committed, log.handed),",
    replace: "      commit: log.committed,",
    killer: {
      file: "test/unit/raft/raft.test.ts",
      name: "no commit index beyond what is handed over",
    },
  },
];
