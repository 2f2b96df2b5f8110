/** The invariants of a simulated world, one a file. */
import type { Check, Stage } from "../check.ts";
import { BoundedQueues } from "./bounded-queues.ts";
import { CommittedEntries } from "./committed-entries.ts";
import { CoreInvariants } from "./core-invariants.ts";
import { DigestAgreement } from "./digest-agreement.ts";
import { ElectedByMajority } from "./elected-by-majority.ts";
import { ElectionSafety } from "./election-safety.ts";
import { GroupIsolation } from "./group-isolation.ts";
import { LeaderAppendOnly } from "./leader-append-only.ts";
import { LeaderCompleteness } from "./leader-completeness.ts";
import { LogMatching } from "./log-matching.ts";
import { MonotonicState } from "./monotonic-state.ts";
import { OwnTermCommit } from "./own-term-commit.ts";
import { PersistBeforeSpeak } from "./persist-before-speak.ts";
import { QuorumOfDisks } from "./quorum-of-disks.ts";
import { Recovery } from "./recovery.ts";
import { RemovedReplicas } from "./removed-replicas.ts";
import { ShardBytes } from "./shard-bytes.ts";
import { StalledDisk } from "./stalled-disk.ts";
import { StateMachineAgreement } from "./state-machine-agreement.ts";
import { TransferTarget } from "./transfer-target.ts";
import { UpToDateVotes } from "./up-to-date-votes.ts";
import { VerifiedPrefix } from "./verified-prefix.ts";

export { AllChecks } from "./observe-all.ts";

/**
 * All of them. Who leads a term and what is committed must be known before others ask: those that
 * keep account of that come first.
 */
export function createChecks(stage: Stage): Check[] {
  return [
    new ElectionSafety(stage),
    new ElectedByMajority(stage),
    new OwnTermCommit(stage),
    new CommittedEntries(stage),
    new QuorumOfDisks(stage),
    new LeaderCompleteness(stage),
    new LogMatching(stage),
    new LeaderAppendOnly(stage),
    new PersistBeforeSpeak(stage),
    new VerifiedPrefix(stage),
    new UpToDateVotes(stage),
    new TransferTarget(stage),
    new MonotonicState(stage),
    new Recovery(stage),
    new RemovedReplicas(stage),
    new StalledDisk(stage),
    new StateMachineAgreement(stage),
    new DigestAgreement(stage),
    new GroupIsolation(stage),
    new CoreInvariants(stage),
    new BoundedQueues(stage),
    new ShardBytes(stage),
  ];
}
