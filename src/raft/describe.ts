/**
 * One line of text for each thing of the algorithm: tests, debug logs and the simulator share these
 * words.
 */
import { nobody, unreachable } from "../base/index.ts";
import type { NodeKey } from "../base/index.ts";
import { blockKind, lastIndexOf } from "./block.ts";
import type { Block } from "./block.ts";
import type { Message } from "./message.ts";
import type { Raft } from "./raft.ts";
import type { Ready } from "./ready.ts";

function node(key: NodeKey): string {
  return key === nobody ? "-" : String(key);
}

/** `5..7@2` is entries 5 to 7 of term 2; `!` marks a no-op. */
export function describeBlock(block: Block): string {
  const last = lastIndexOf(block);
  const range = last === block.first ? `${last}` : `${block.first}..${last}`;
  return `${range}@${block.term}${block.kind === blockKind.noop ? "!" : ""}`;
}

export function describeBlocks(blocks: readonly Block[]): string {
  return `[${blocks.map(describeBlock).join(" ")}]`;
}

export function describeMessage(message: Message): string {
  const head = `${node(message.from)}->${node(message.to)} ${message.kind} term:${message.term}`;
  switch (message.kind) {
    case "preVoteRequest":
      return `${head} log:(${message.lastIndex},${message.lastTerm})`;
    case "voteRequest":
      return `${head} log:(${message.lastIndex},${message.lastTerm})${message.force ? " force" : ""}`;
    case "preVoteResponse":
    case "voteResponse":
      return `${head} ${message.granted ? "granted" : "refused"}`;
    case "appendRequest":
      return `${head} prev:(${message.prevIndex},${message.prevTerm}) commit:${message.commit} ${describeBlocks(message.blocks)}`;
    case "appendResponse":
      return message.rejected
        ? `${head} rejected:${message.index} hint:(${message.hintIndex},${message.hintTerm})`
        : `${head} match:${message.index}`;
    case "heartbeatRequest":
      return `${head} commit:(${message.commit},${message.commitTerm})${message.readRound > 0 ? ` read:${message.readRound}` : ""}`;
    case "heartbeatResponse":
      return `${head}${message.readRound > 0 ? ` read:${message.readRound}` : ""}`;
    case "commitNotice":
      return `${head} commit:(${message.commit},${message.commitTerm})`;
    case "parkRequest":
      return `${head} log:(${message.index},${message.indexTerm})`;
    case "timeoutNow":
      return `${head} log:${message.index}`;
    case "parkResponse":
      return `${head} log:${message.index}${message.parked ? " parked" : ""}`;
    default:
      return unreachable(message);
  }
}

export function describeReady(ready: Ready): string {
  const lines: string[] = [];
  const { roleChange, ballot } = ready;
  if (roleChange !== undefined) {
    lines.push(`${roleChange.role} term:${roleChange.term} leader:${node(roleChange.leader)}`);
  }
  for (const message of ready.messages) lines.push(`now ${describeMessage(message)}`);
  if (ballot !== undefined) lines.push(`persist term:${ballot.term} vote:${node(ballot.vote)}`);
  if (ready.blocks.length > 0) lines.push(`persist ${describeBlocks(ready.blocks)}`);
  for (const message of ready.durableMessages) lines.push(`durable ${describeMessage(message)}`);
  for (const read of ready.confirmedReads) lines.push(`read ${read.ticket} at:${read.index}`);
  return lines.join("\n");
}

export function describeRaft(raft: Raft): string {
  const { state } = raft;
  const { log } = state;
  const head =
    `${state.self} ${state.role} term:${state.term} vote:${node(state.vote)} leader:${node(state.leader)} ` +
    `log:(${log.lastIndex},${log.lastTerm}) stable:${log.stable} commit:${log.committed} applied:${log.applied}` +
    (state.parked ? " parked" : "") +
    (state.successor === nobody ? "" : ` successor:${state.successor}`);
  const members = state.progress.values
    .filter(({ member }) => member !== state.self)
    .map((progress) => {
      const paused = progress.paused ? " paused" : "";
      return `  ${progress.member} ${progress.state} match:${progress.match} next:${progress.next}${paused}`;
    });
  return [head, ...members].join("\n");
}
