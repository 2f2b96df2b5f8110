import type { Mutant } from "../mutant.ts";

const file = "src/log/lmdb-file-check.ts";
const unit = "test/unit/log/lmdb-file-check.test.ts";
const hunt = { seeds: 0 };

/** What is looked at before LMDB may see its file, since it believes its pages. */
export const lmdbCheckMutants: readonly Mutant[] = [
  {
    name: "older-meta-page-is-not-asked",
    says: "A commit whose meta page bears an older number is found (src/log/lmdb-file-check.ts): one flipped bit makes a node forget an acknowledged write.",
    file,
    find: "if (this.#isAhead(older, transaction + 1)) {",
    replace: "if (this.#isAhead(older, transaction + 9)) {",
    hunt,
    killer: { file: unit, name: "not forgotten" },
  },
  {
    name: "meta-page-believed",
    says: "The pages of a state bear its number (src/log/lmdb-file-check.ts): one flipped bit brings an older state forward, without the last write.",
    file,
    find: "if (header === undefined || readU64(header, 8) === transaction) continue;",
    replace: "if (header === undefined || readU64(header, 8) <= transaction) continue;",
    hunt,
    killer: { file: unit, name: "says it is the newer" },
  },
  {
    name: "commit-that-was-taken-back-counts",
    says: "What LMDB took back counts only if it is whole (src/log/lmdb-file-check.ts): after a failed write the store does not open, or LMDB writes over its pages.",
    file,
    find: "    } catch {\n      return undefined;\n    }",
    replace: "    } catch {\n      end = this.#end(meta);\n    }",
    hunt,
    killer: { file: unit, name: "took back" },
  },
  {
    name: "free-pages-are-not-looked-at",
    says: "No free page is in use (src/log/lmdb-free-list.ts): LMDB writes new records over old ones.",
    file: "src/log/lmdb-free-list.ts",
    find: "return this.#state.claims.claim(page, count);",
    replace: "return this.#state.claims.claim(page, count) || page > 0;",
    hunt,
    killer: { file: unit, name: "a free page" },
  },
  {
    name: "counters-of-a-tree-believed",
    says: "A tree has the pages that its head counts (src/log/lmdb-tree.ts): a flipped bit in a counter fills the disk with zeros at the next opening.",
    file: "src/log/lmdb-tree.ts",
    find: 'if (!holds) throw this.#fault("has other',
    replace: 'if (!holds && entries < 0) throw this.#fault("has other',
    hunt,
    killer: { file: unit, name: "counter of the tree" },
  },
  {
    name: "pages-shared",
    says: "A page has one use (src/log/lmdb-pages.ts): a damaged pointer makes one record of two, and LMDB frees pages that are in use.",
    file: "src/log/lmdb-pages.ts",
    find: "if ((byte & bit) !== 0) return false;",
    replace: "if ((byte & bit) !== 0) continue;",
    hunt,
    killer: { file: unit, name: "pages of another" },
  },
];
