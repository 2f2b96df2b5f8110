import { goPeer, runMembers } from "./go-peer.ts";

export const etcdRaft = goPeer({
  name: "etcd-raft",
  packages: ["golang-etcd-server-dev", "golang-go"],
  remark:
    "etcd's raft package in a loop of ours; leaders spread over the members; one fdatasync a turn for " +
    "all groups, before an acknowledgement; the load is in the leaders' processes",
  program: "etcd-raft",
  run: (program, work) => runMembers(program, [`--groups=${work.groups}`], work),
});
