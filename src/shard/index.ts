/**
 * shard: the loop of one worker thread: groups, timers, batching, apply. May use log, transport,
 * wire, raft and base. It never reads a clock, a disk or a socket but through what it is given;
 * only `worker-host.ts` knows the real ones.
 */
export { byteShares, callOverheadBytes } from "./byte-budget.ts";
export type { HeldBytes } from "./byte-budget.ts";
export { decodeTrusted, encodeTrusted } from "./control-codec.ts";
export { sameNodes } from "./creation-offer.ts";
export type { GroupCreated } from "./creation.ts";
export type { Clock, Scheduler, ShardEnvironment } from "./environment.ts";
export { InHand, machineCalls, newHandMemory, workInHand } from "./in-hand.ts";
export type { MachineWork, WorkInHand } from "./in-hand.ts";
export { answerKind, callFlag, callKind } from "./mail-records.ts";
export type { ControlCall, GroupInfo, ShardEvent } from "./mail-records.ts";
export { MailReceipts } from "./mail-receipts.ts";
export { MailReader, MailWriter } from "./mail.ts";
export { shardOptionTable } from "./options.ts";
export type { ShardOptions } from "./options.ts";
export type { Replica, ReplicaState } from "./replica.ts";
export type { HeldGroup, Recovery } from "./recovery.ts";
export { Shard } from "./shard.ts";
export { promiseFault, resultInvalid } from "./machine-result.ts";
export type * from "./state-machine.ts";
export type { Watched } from "./thread-watch.ts";
export type { GroupStatus, MemberStatus, ShardStats } from "./status.ts";
export type { ShardTask } from "./worker-host.ts";
