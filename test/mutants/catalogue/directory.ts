import type { Mutant } from "../mutant.ts";

const lock = "test/unit/engine/directory-lock.test.ts";
const directory = "test/unit/engine/data-directory.test.ts";
const open = "test/input/open.test.ts";

/** Who owns a data directory, and what it takes a directory for. */
export const directoryMutants: readonly Mutant[] = [
  {
    name: "directory-lock-not-asked",
    says: "A directory has one owner (src/engine/directory-lock.ts): two processes write one log, and both acknowledge.",
    file: "src/engine/directory-lock.ts",
    find: "if (!tryLock(fd)) throw locked(path, readOwner(file));",
    replace: "tryLock(fd);",
    hunt: { seeds: 0 },
    killer: { file: lock, name: "pid namespaces" },
  },
  {
    name: "directory-lock-closed-at-once",
    says: "The lock lives as long as its owner's descriptor (src/engine/directory-lock.ts): a second process opens the log of the first.",
    file: "src/engine/directory-lock.ts",
    find: "    writeOwner(fd);",
    replace: "    writeOwner(fd);\n    closeSync(fd);",
    hunt: { seeds: 0 },
    killer: { file: lock, name: "race" },
  },
  {
    name: "directory-known-by-path",
    says: "A directory is known by device and inode (src/engine/directory-lock.ts): by another path, after its lock file was deleted, one process opens it twice.",
    file: "src/engine/directory-lock.ts",
    find: "    return `${dev}:${ino}`;",
    replace: "    return `${path}:${dev < 0n}:${ino < 0n}`;",
    hunt: { seeds: 0 },
    killer: { file: lock, name: "copy of the module" },
  },
  {
    name: "directory-stays-locked-without-threads",
    says: "An opening that fails leaves nothing locked (src/engine/start-pool.ts): a process that was out of threads cannot open its directory any more.",
    file: "src/engine/start-pool.ts",
    find: "    directory.close();\n    if (cause instanceof RaftError) throw cause;",
    replace: "    if (cause instanceof RaftError) throw cause;",
    hunt: { seeds: 0 },
    killer: { file: open, name: "no more threads" },
  },
  {
    name: "map-taken-without-room",
    says: "Address space is asked for before LMDB maps its file (src/log/address-space.ts): under RLIMIT_AS the process ends with a segmentation fault at its start.",
    file: "src/log/address-space.ts",
    find: "  if (left >= maps * (mapBytes + shardBytes)) return undefined;",
    replace: "  if (left >= 0) return undefined;",
    hunt: { seeds: 0 },
    killer: { file: open, name: "address space" },
  },
  {
    name: "lost-store-made-anew",
    says: "A store that has been made is never made anew (src/log/store-mark.ts): a voter whose volume is not mounted joins its groups again without what it acknowledged.",
    file: "src/log/store-mark.ts",
    find: "  if (mark === undefined || holdsStore(dir) || !existsSync(mark)) return;",
    replace: "  if (mark !== dir) return;",
    hunt: { seeds: 0 },
    killer: { file: "test/unit/log/store-mark.test.ts", name: "is lost or empty" },
  },
  {
    name: "stores-without-node-json-are-new",
    says: "Stores without node.json are damage (src/engine/data-directory.ts): the node comes back under a new incarnation over its old logs.",
    file: "src/engine/data-directory.ts",
    find: "  if (store === undefined) return;",
    replace: '  if (store !== "") return;',
    hunt: { seeds: 0 },
    killer: { file: directory, name: "stores without a node.json" },
  },
];
