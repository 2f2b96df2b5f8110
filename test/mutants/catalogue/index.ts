/** Every mutant, by what it breaks. None is equivalent: each says what a user would see of it. */
import type { Mutant } from "../mutant.ts";
import { boundMutants } from "./bounds.ts";
import { callMutants } from "./calls.ts";
import { directoryMutants } from "./directory.ts";
import { durabilityMutants } from "./durability.ts";
import { electionMutants } from "./election.ts";
import { failureMutants } from "./failures.ts";
import { identityMutants } from "./identity.ts";
import { linkMutants } from "./links.ts";
import { lmdbCheckMutants } from "./lmdb-check.ts";
import { nodeMutants } from "./node.ts";
import { parkingMutants } from "./parking.ts";
import { readMutants } from "./reads.ts";
import { recoveryMutants } from "./recovery.ts";
import { replicationMutants } from "./replication.ts";
import { segmentMutants } from "./segments.ts";
import { wireMutants } from "./wire.ts";

export const catalogue: readonly Mutant[] = [
  ...electionMutants,
  ...replicationMutants,
  ...readMutants,
  ...parkingMutants,
  ...durabilityMutants,
  ...recoveryMutants,
  ...segmentMutants,
  ...lmdbCheckMutants,
  ...wireMutants,
  ...linkMutants,
  ...identityMutants,
  ...directoryMutants,
  ...callMutants,
  ...boundMutants,
  ...failureMutants,
  ...nodeMutants,
];
