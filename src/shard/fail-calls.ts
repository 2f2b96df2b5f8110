/**
 * Answers everything that waits on a replica when it can no longer be served: no call may be left
 * without an answer.
 */
import type { Outcome, RaftError } from "../base/index.ts";
import type { ShardContext } from "./context.ts";
import type { Replica } from "./replica.ts";

/**
 * For a replica that serves no more.
 * @param errorFor makes the error: outcome "none" for what has not been proposed and for reads,
 * "unknown" for entries in the log, since another leader may still commit them.
 */
export function failCalls(
  context: ShardContext,
  replica: Replica,
  errorFor: (outcome: Outcome) => RaftError,
): void {
  failLedCalls(context, replica, errorFor);
  const local = replica.reads.takeLocal();
  if (local.length === 0) return;
  const none = errorFor("none");
  for (const { replyTo } of local) context.replies.failed(replyTo, none);
}

/** For one that leads no more: what needs a leader ends, local reads go on. See `failCalls`. */
export function failLedCalls(
  context: ShardContext,
  replica: Replica,
  errorFor: (outcome: Outcome) => RaftError,
): void {
  const { replies } = context;
  const { open, reads, sealed } = replica;
  if (sealed.length > 0) {
    const unknown = errorFor("unknown");
    let call = replica.sealedCall;
    for (const block of sealed.splice(0)) {
      for (; call < block.replyTos.length; call += 1) {
        replies.failed(block.replyTos[call] ?? 0, unknown);
      }
      call = 0;
    }
    replica.sealedCall = 0;
    replica.sealedEntry = 0;
  }
  const waiting = reads.takeLed();
  if (open.calls === 0 && waiting.length === 0) return;
  const none = errorFor("none");
  for (const replyTo of open.take(open.calls).replyTos) replies.failed(replyTo, none);
  for (const { replyTo } of waiting) replies.failed(replyTo, none);
}
