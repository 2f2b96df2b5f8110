import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { goPeer, runServers } from "./go-peer.ts";
import type { PeerFigures, PeerWork } from "./peer.ts";

/** That the clients share. Between 1 and 16 there is no difference that could be measured. */
const connections = 8;
/** A leader refuses puts while 5,000 of them are not applied yet. */
const outstandingMax = 4_096;
/** The default of 2 GiB would end a long run in an alarm. */
const quotaBytes = 8 * 2 ** 30;

export const etcd = goPeer({
  name: "etcd",
  packages: ["etcd-server", "golang-etcd-server-dev", "golang-go"],
  remark:
    "three servers with one log, whatever the groups; at most 4,096 puts in flight, since it refuses " +
    "more; fsync before an acknowledgement; over gRPC from a process of its own to the leader",
  program: "etcd-load",
  run: runEtcd,
});

async function runEtcd(program: string, work: PeerWork): Promise<PeerFigures> {
  const { dir, signal } = work;
  const ports = await freePorts(6);
  const members = [0, 1, 2].map((at) => ({
    name: `m${at + 1}`,
    client: `http://127.0.0.1:${ports[at]}`,
    peer: `http://127.0.0.1:${ports[at + 3]}`,
  }));
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(",");
  const servers = members.map(({ name, client, peer }) => ({
    command: "etcd",
    arguments: [
      `--name=${name}`,
      `--data-dir=${join(dir, name)}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${cluster}`,
      "--logger=zap",
      "--log-level=error",
      `--quota-backend-bytes=${quotaBytes}`,
    ],
    signal,
  }));
  const endpoints = members.map(({ client }) => client).join(",");
  const load = {
    command: program,
    arguments: [`--endpoints=${endpoints}`, `--connections=${connections}`],
    signal,
  };
  const outstanding = Math.min(work.outstanding, outstandingMax);
  return await runServers({ servers, load }, { ...work, outstanding });
}
