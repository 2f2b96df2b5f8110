import type { Mutant } from "../mutant.ts";

const creation = "test/inline/creation.test.ts";
const hostile = "test/inline/hostile-peer.test.ts";

/** Who is a member, and who only bears its name. */
export const identityMutants: readonly Mutant[] = [
  {
    name: "other-incarnation-heard",
    says: "A replica is heard under its incarnation only: one of an earlier life of the group id votes, and its entries are taken for the new group's.",
    file: "src/shard/inbound.ts",
    find: "    if (replica.incarnations.get(fromKey) !== incarnation) {",
    replace: "    if (!replica.incarnations.has(fromKey)) {",
    killer: { file: hostile, name: "under another incarnation, are dropped" },
  },
  {
    name: "strangers-heard",
    says: "Only members are heard: a node that is none appends entries to a group's log.",
    file: "src/shard/inbound.ts",
    find: "    if (replica.incarnations.get(fromKey) !== incarnation) {",
    replace: "    if ((replica.incarnations.get(fromKey) ?? incarnation) !== incarnation) {",
    killer: { file: hostile, name: "under another incarnation, are dropped" },
  },
  {
    name: "creation-adopts-another-incarnation",
    says: "A group that exists is not created again (src/shard/creation.ts): the caller is told of members that will never hear each other, and the group has no leader.",
    file: "src/shard/creation.ts",
    find: "  } else if (present.incarnation !== incarnation) {",
    replace: "  } else if (present.incarnation !== incarnation && !present.running) {",
    killer: { file: creation, name: "by its members under another incarnation" },
  },
  {
    name: "removal-takes-another-incarnation",
    says: "A failed creation takes back its own replica only (src/shard/creation.ts): it deletes a healthy member with all that it has acknowledged.",
    file: "src/shard/creation.ts",
    find: "if (replica === undefined || replica.incarnation !== decodeCbor(request.payload)) {",
    replace: "if (replica === undefined) {",
    killer: { file: hostile, name: "a removal under another incarnation" },
  },
  {
    name: "created-without-a-majority",
    says: "A group exists when a majority has started (src/shard/creation.ts): the caller is told of success, and the group never has a leader.",
    file: "src/shard/creation.ts",
    find: "if (this.started.length >= majorityOf(members.length)) this.succeed();",
    replace: "if (this.started.length > 0) this.succeed();",
    killer: { file: creation, name: "without a majority a creation fails" },
  },
  {
    name: "rollback-takes-a-replica-that-voted",
    says: "The rollback of a creation leaves alone what has come to a term (src/shard/creation.ts): a group that formed without its creator's knowledge loses members, and acknowledged writes with them.",
    file: "src/shard/creation.ts",
    find: "  return raft.term === 0;",
    replace: "  return raft.term >= 0;",
    killer: { file: creation, name: "leaves alone a replica that has voted" },
  },
  {
    name: "creation-asked-again-of-a-lost-disk",
    says: "A request is bound to the data directory that it was first sent to (src/shard/requests.ts): a member that lost its disk makes its replica anew, under the same incarnation, and has forgotten its votes and entries.",
    file: "src/shard/requests.ts",
    find: "    return waiting.addressee !== link.incarnation;",
    replace: "    return waiting.addressee === undefined;",
    killer: { file: creation, name: "comes back without its disk" },
  },
  {
    name: "forgetful-disk-goes-on",
    says: "A log that ends before what it has acknowledged is not trusted (src/raft/heartbeat.ts): after an old disk image came back the replica votes and acknowledges on.",
    file: "src/raft/heartbeat.ts",
    find: "  if (commit > log.lastIndex) {",
    replace: "  if (commit > log.lastIndex + 1_000_000_000) {",
    also: [
      {
        file: "src/raft/heartbeat.ts",
        find: "  if (commit > log.committed) log.committed = commit;",
        replace: "  log.committed = Math.max(log.committed, Math.min(commit, log.lastIndex));",
      },
    ],
    killer: { file: "test/unit/raft/raft.test.ts", name: "before what it has acknowledged" },
  },
];
