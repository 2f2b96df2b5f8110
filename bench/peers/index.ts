/** The peers, in the order of the table. */
import { etcdRaft } from "./etcd-raft.ts";
import { etcd } from "./etcd.ts";
import { hashicorpRaft } from "./hashicorp-raft.ts";
import { libraft } from "./libraft.ts";
import { nats } from "./nats.ts";
import type { Peer } from "./peer.ts";
import { ra } from "./ra.ts";
import { redis } from "./redis.ts";

export const peers: readonly Peer[] = [etcdRaft, ra, libraft, hashicorpRaft, nats, etcd, redis];
