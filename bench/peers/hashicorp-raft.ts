import { goPeer, runMembers } from "./go-peer.ts";

export const hashicorpRaft = goPeer({
  name: "hashicorp-raft",
  packages: [
    "golang-github-hashicorp-raft-dev",
    "golang-github-hashicorp-raft-boltdb-dev",
    "golang-go",
  ],
  remark:
    "one log, whatever the groups; raft-boltdb fsyncs each batch before it is sent or acknowledged; " +
    "the load is in the leader's process",
  program: "hashicorp-raft",
  run: (program, work) => runMembers(program, [], work),
});
