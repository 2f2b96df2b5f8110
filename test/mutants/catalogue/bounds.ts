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
  {
    name: "leader-with-a-full-log-takes-proposals",
    says: "At its bound a log takes no more entries (src/shard/shard.ts): it grows to its last byte, and the shard ends with every group.",
    file: "src/shard/shard.ts",
    find: "    if (storeFull !== undefined && open.calls > 0) {",
    replace: "    if (storeFull !== undefined && open.calls < 0) {",
    hunt: { seeds: 0 },
    killer: { file: "test/inline/durability.test.ts", name: "leader whose log is full" },
  },
  {
    name: "follower-with-a-full-log-takes-entries",
    says: "At its bound a log takes no more entries (src/shard/inbound.ts): a leader with more room fills it to its last byte, and the shard ends with every group.",
    file: "src/shard/inbound.ts",
    find: "if (context.storeFull !== undefined && hasEntries(message)) return;",
    replace: "if (context.storeFull !== undefined && !hasEntries(message)) return;",
    hunt: { seeds: 0 },
    killer: { file: "test/inline/durability.test.ts", name: "follower whose log is full" },
  },
  {
    name: "log-beyond-its-bound-has-no-room",
    says: "A log that is found beyond its bound has room for elections (src/log/store-bound.ts): after a restart the shard ends at the first ballot, and again at each start.",
    file: "src/log/store-bound.ts",
    find: "    this.#bytesMax = Math.max(this.#spec.bytesMax, usedBytes + this.#reserveBytes);",
    replace: "    void usedBytes;",
    hunt: { seeds: 0 },
    killer: { file: "test/unit/log/lmdb-store.test.ts", name: "mapBytes bounds the file" },
  },
  {
    name: "commit-beyond-the-bound-is-written",
    says: "What goes beyond a bound is refused before it is written (src/log/record-store.ts): LMDB enlarges its map without end, or memory runs out.",
    file: "src/log/record-store.ts",
    find: "    if (full !== undefined) return Promise.reject(full);",
    replace: "    void full;",
    hunt: { seeds: 0 },
    killer: { file: "test/unit/log/memory-store.test.ts", name: "indexBytesMax bounds" },
  },
];
