/**
 * The records of the mail, field by field in the order of their words.
 *
 * Engine to shard:
 *   propose     kind call group flags timeoutMs count | entries (CBOR sequence of byte strings)
 *   read        kind call group flags timeoutMs count | queries (CBOR sequence of byte strings)
 *   readLocal   kind call group                       | query (as a CBOR byte string)
 *   control     kind call                             | clone of a ControlCall
 *   cancel      kind call
 *   receipt     kind bytes:f64                        (of answers that were read: mail-receipts.ts)
 * Shard to engine:
 *   applied     kind call first:f64 count             | count results, each behind a word:
 *                                                       length * 2 + failed, then the result, or
 *                                                       the clone of a WireError
 *   values      kind call index:f64 ageMs:f64 count   | count answers, as the results above
 *   failed      kind count                            | clone of a WireError, then count calls
 *   control     kind call                             | clone of the call's answer
 *   event       kind                                  | clone of a ShardEvent
 *
 * `timeoutMs` counts from when the mail was posted; 0 takes the call back. `cancel` takes back a
 * call of earlier mail, unless it is in the log already. Either way the call is answered.
 *
 * A call of `count` entries is answered by `applied` records, in order, that hold as many results:
 * one record, as a rule, with those of successive indexes.
 */
import type { GroupId, Index, NodeId, ShardId, Term, WireError } from "../base/index.ts";
import type { CredentialOptions, PeerRefusal } from "../transport/index.ts";
import type { ReplicaState } from "./replica.ts";
import type { Role } from "./state-machine.ts";

export const callKind = {
  propose: 1,
  read: 2,
  readLocal: 3,
  control: 4,
  cancel: 5,
  receipt: 6,
} as const;
export const answerKind = { applied: 1, values: 2, failed: 3, control: 4, event: 5 } as const;
export const callFlag = { forward: 1 } as const;

/** Calls that are rare enough to travel as objects. */
export type ControlCall =
  | {
      readonly kind: "createGroup";
      readonly group: GroupId;
      readonly members: readonly NodeId[];
      readonly timeoutMs: number;
      readonly campaign: boolean;
    }
  | { readonly kind: "startGroup"; readonly group: GroupId }
  | { readonly kind: "stopGroup"; readonly group: GroupId }
  | { readonly kind: "enableGroup"; readonly group: GroupId }
  | { readonly kind: "status"; readonly group: GroupId }
  | { readonly kind: "digest"; readonly group: GroupId }
  | { readonly kind: "campaign"; readonly group: GroupId; readonly force: boolean }
  | { readonly kind: "resign"; readonly group: GroupId }
  | { readonly kind: "stats" }
  | { readonly kind: "setPeers"; readonly addresses: Readonly<Record<NodeId, string>> }
  | { readonly kind: "renewCredentials"; readonly credentials: CredentialOptions }
  | { readonly kind: "start"; readonly ports: readonly number[] }
  | { readonly kind: "close" };

/** What a shard tells without being asked. */
export type ShardEvent =
  | { readonly kind: "opened"; readonly port: number; readonly groups: readonly GroupInfo[] }
  | { readonly kind: "openFailed"; readonly error: WireError }
  /** About to bind its port: waits until the engine has answered with the one to bind. */
  | { readonly kind: "claimsPort" }
  | { readonly kind: "groupStarted"; readonly group: GroupId; readonly members: readonly NodeId[] }
  | { readonly kind: "groupStopped"; readonly group: GroupId }
  | {
      readonly kind: "groupFailed";
      readonly group: GroupId;
      readonly reason: string;
      readonly retryInMs: number | undefined;
    }
  | { readonly kind: "groupDisabled"; readonly group: GroupId; readonly reason: string }
  | { readonly kind: "hookFailed"; readonly group: GroupId; readonly message: string }
  /** Work of a state machine held up the shard for longer than an election timeout. */
  | {
      readonly kind: "machineSlow";
      readonly group: GroupId;
      readonly applied: Index;
      /** Entries or calls of reads that took so long together. */
      readonly entries: number;
      readonly tookMs: number;
    }
  | { readonly kind: "groupRemoved"; readonly group: GroupId }
  | { readonly kind: "storeFull"; readonly error: WireError }
  | {
      readonly kind: "roleChanged";
      readonly group: GroupId;
      readonly role: Role;
      readonly leader: NodeId;
      readonly term: Term;
    }
  | { readonly kind: "peerRefused"; readonly refusal: PeerRefusal }
  /** A link to a shard of another node is up, or down again. */
  | {
      readonly kind: "peerConnected" | "peerLost";
      readonly node: NodeId;
      readonly peerShard: ShardId;
    }
  | { readonly kind: "failed"; readonly error: WireError };

export interface GroupInfo {
  readonly group: GroupId;
  readonly members: readonly NodeId[];
  readonly state: ReplicaState;
}
