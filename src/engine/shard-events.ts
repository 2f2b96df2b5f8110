/** What a shard tells, as the engine tells it on. */
import { errorFromWire } from "../base/index.ts";
import type { ShardId } from "../base/index.ts";
import type { ShardEvent } from "../shard/index.ts";
import { peerRefusedOf } from "./events.ts";
import type { EngineEvents, PayloadOf } from "./events.ts";

export type Tell = <K extends keyof EngineEvents>(event: K, ...payload: PayloadOf<K>) => void;

export function tellShardEvent(shard: ShardId, event: ShardEvent, tell: Tell): void {
  switch (event.kind) {
    case "roleChanged": {
      const { group, role, term } = event;
      const leader = event.leader === "" ? undefined : event.leader;
      tell("leaderChanged", { group, role, leader, term });
      return;
    }
    case "groupStarted":
      tell("groupStarted", { group: event.group, members: event.members });
      return;
    case "groupStopped":
    case "groupRemoved":
      tell(event.kind, { group: event.group });
      return;
    case "groupFailed": {
      const { group, reason, retryInMs } = event;
      tell("groupFailed", { group, reason, retryInMs });
      return;
    }
    case "groupDisabled":
      tell("groupDisabled", { group: event.group, reason: event.reason });
      return;
    case "peerRefused":
      tell("peerRefused", peerRefusedOf(shard, event.refusal));
      return;
    case "peerConnected":
    case "peerLost":
      tell(event.kind, { shard, node: event.node, peerShard: event.peerShard });
      return;
    case "storeFull":
      tell("storeFull", { shard, error: errorFromWire(event.error) });
      return;
    case "machineSlow": {
      const { group, applied, entries, tookMs } = event;
      tell("machineSlow", { group, applied, entries, tookMs });
      return;
    }
    case "hookFailed":
      tell("hookFailed", { group: event.group, message: event.message });
      return;
    default:
  }
}
