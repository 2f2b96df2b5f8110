/** Another engine that does the same work beside ours. */

/** The same work for everybody: three members on loopback, each command on a majority's disks. */
export interface PeerWork {
  /** Raft groups; a peer that has one log only takes it as 1 and says so. */
  readonly groups: number;
  readonly valueBytes: number;
  /** Commands in flight at any time, over all clients. */
  readonly outstanding: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Temporary, on the disk to be measured; removed after the run. */
  readonly dir: string;
  /** Ends the run early: every process that it started must be gone soon after. */
  readonly signal: AbortSignal;
}

export interface PeerFigures {
  /** Acknowledged commands a second. */
  readonly throughput: number;
  /** Latencies in µs, of a sample where there are too many to keep all. */
  readonly latenciesUs: readonly number[];
  /** CPU time of all members and of the load, in µs a command; undefined where unknown. */
  readonly cpuMicros: number | undefined;
}

export interface Peer {
  /** As in the table: `etcd`, `ra`, `libraft`. */
  readonly name: string;
  /** The distribution's packages that bring it. */
  readonly packages: readonly string[];
  /** What its figures mean: how durable an acknowledgement is, what its groups are, who drives it. */
  readonly remark: string;
  /** Its version; undefined where it is not installed. Builds what has to be built. */
  prepare(): Promise<string | undefined>;
  run(work: PeerWork): Promise<PeerFigures>;
}
