/** Makes one history of the journals that the nodes of a run have left. */
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatOperation, parseHistory } from "../../testing/index.ts";
import type { Operation } from "../../testing/index.ts";
import { journalSuffix } from "./history-recorder.ts";

/** Times count from the first call on. */
export async function writeHistory(folder: string, path: string): Promise<void> {
  const operations: Operation[] = [];
  for (const name of await readdir(folder)) {
    if (!name.endsWith(journalSuffix)) continue;
    const text = await readFile(join(folder, name), "utf8");
    // What a kill has cut short was not proposed any more.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    for (const operation of settled(parseHistory(whole))) operations.push(operation);
  }
  operations.sort((a, b) => a.callUs - b.callUs);
  await writeFile(path, linesOf(operations));
}

/** Of a call and its answer the answer remains, in the place of the call. */
function settled(journal: readonly Operation[]): Iterable<Operation> {
  const newest = new Map<string, Operation>();
  for (const operation of journal) {
    const { client, group, key, kind, callUs } = operation;
    newest.set(`${client} ${group} ${key} ${kind} ${callUs}`, operation);
  }
  return newest.values();
}

function* linesOf(operations: readonly Operation[]): Generator<string> {
  const startUs = operations[0]?.callUs ?? 0;
  for (const operation of operations) {
    const callUs = operation.callUs - startUs;
    const returnUs = operation.returnUs === undefined ? undefined : operation.returnUs - startUs;
    yield `${formatOperation({ ...operation, callUs, returnUs })}\n`;
  }
}
