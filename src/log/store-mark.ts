/**
 * The mark of a store: an empty file outside the store's directory that says that the store has
 * been made. A directory that is empty although its mark is there has lost its store: a volume is
 * not mounted, or an operator has deleted the directory. Taken for new, its replicas would join
 * their groups again without what they have voted and acknowledged.
 *
 *      store   mark   found at open
 *      no      no     nothing was ever here                            ─► make the store
 *      yes     no     power failed before the mark was written         ─► write the mark, open
 *      yes     yes    made                                             ─► open
 *      no      yes    the store is lost                                ─► refuse
 *
 * The mark is durable before the store is open, and so before its shard says anything.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { flushPath, privateFile } from "./durable-name.ts";
import { corruptMeta } from "./meta-entry.ts";
import { holdsStore } from "./store-form.ts";

/** @throws ERR_STORE_CORRUPT if the store was made and is not there */
export function refuseLostStore(dir: string, mark: string | undefined): void {
  if (mark === undefined || holdsStore(dir) || !existsSync(mark)) return;
  throw corruptMeta(`the store in ${dir} is missing, though it was in use (${mark})`);
}

/** The store is made, and durable. */
export function markStore(mark: string | undefined): void {
  if (mark === undefined || existsSync(mark)) return;
  closeSync(openSync(mark, "a", privateFile));
  flushPath(dirname(mark));
}
