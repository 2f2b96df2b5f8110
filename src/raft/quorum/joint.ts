/**
 * Decisions of a joint configuration (thesis §4.3): both halves must agree, so each question is put
 * to both and the answers combined. Outside a membership change the outgoing half is empty and
 * agrees to everything.
 */
import type { Index, NodeKey } from "../../base/index.ts";
import type { Configuration } from "../configuration.ts";
import { majorityIndex, majorityVote } from "./majority.ts";
import type { VoteResult } from "./majority.ts";

/** The highest index that both halves have reached. */
export function jointIndex(config: Configuration, indexOf: (voter: NodeKey) => Index): Index {
  const index = Math.min(
    majorityIndex(config.voters, indexOf),
    majorityIndex(config.votersOutgoing, indexOf),
  );
  return index;
}

/** Lost as soon as one half is lost, won once both are won. */
export function jointVote(
  config: Configuration,
  voteOf: (voter: NodeKey) => boolean | undefined,
): VoteResult {
  const incoming = majorityVote(config.voters, voteOf);
  const outgoing = majorityVote(config.votersOutgoing, voteOf);
  if (incoming === outgoing) return incoming;
  return incoming === "lost" || outgoing === "lost" ? "lost" : "pending";
}

/** Whether a node wins every vote alone. */
export function isOnlyVoter(config: Configuration, node: NodeKey): boolean {
  return jointVote(config, (voter) => voter === node) === "won";
}

export function isVoter(config: Configuration, node: NodeKey): boolean {
  return config.voters.includes(node) || config.votersOutgoing.includes(node);
}
