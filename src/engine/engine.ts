/**
 * The public face: one engine for each node, and usually one in a process. It checks arguments,
 * finds the shard of a group, and keeps the promises. All it knows of a group is what its shard has
 * told it.
 */
import { EventEmitter } from "node:events";
import { RaftError, isGroupId, limits, optionError, shardOfGroup } from "../base/index.ts";
import type { GroupId, NodeId } from "../base/index.ts";
import { byteShares } from "../shard/index.ts";
import type {
  ControlCall,
  GroupCreated,
  GroupInfo,
  GroupStatus,
  ShardEvent,
  ShardStats,
} from "../shard/index.ts";
import {
  batchFault,
  callFault,
  callOptionsFault,
  campaignFaults,
  createGroupFaults,
  deadlineFaults,
  groupIdInvalid,
  throwFaults,
} from "./argument-checks.ts";
import type { BatchResult, Proposed } from "./call-table.ts";
import { levelOf } from "./events.ts";
import type { EngineEvents, PayloadOf } from "./events.ts";
import { GroupRecovery } from "./group-recovery.ts";
import { GroupTable } from "./group-table.ts";
import type { GroupView } from "./group-table.ts";
import { healthOf } from "./health.ts";
import type { Health } from "./health.ts";
import { advertisedAddress, advertisedPorts } from "./listen-options.ts";
import { openDirectory } from "./open-directory.ts";
import { nodePortOf } from "./open-node-port.ts";
import { LeaderWaits } from "./leader-waits.ts";
import type { KnownLeader, LeaderSource } from "./leader-waits.ts";
import type { CredentialOptions } from "../transport/index.ts";
import { peerFaults, resolveEngineOptions, settingsOf } from "./options.ts";
import type { EngineOptions, ResolvedOptions } from "./options.ts";
import { Pace } from "./pace.ts";
import type {
  CreateGroupOptions,
  LocalReadResult,
  ReadBatchResult,
  ReadResult,
  StateDigest,
} from "./results.ts";
import { answerOf } from "./results.ts";
import { ShardHandle } from "./shard-handle.ts";
import type { CallSettings, ReadAnswer, ShardCrash, ShardOwner } from "./shard-handle.ts";
import { renewed } from "./renewed-credentials.ts";
import { randomPrng, sharesPort, taskOf } from "./shard-task.ts";
import type { CallOptions } from "./typed.ts";
import { tellShardEvent } from "./shard-events.ts";
import type { Tell } from "./shard-events.ts";
import { ShardSet, willBeTold } from "./shard-set.ts";
import { startPool } from "./start-pool.ts";

/** What else a new engine is made of. */
interface EngineParts {
  readonly groups: GroupTable;
  readonly recovery: GroupRecovery;
  readonly address: string;
}

const createTimeoutMs = 5_000;
const closeTimeoutMs = 30_000;
const healthTimeoutMs = 1_000;
export class Engine extends EventEmitter<EngineEvents> implements AsyncDisposable {
  readonly node: NodeId;
  /** `host:port` under which peers reach this node. */
  readonly address: string;
  readonly #options: ResolvedOptions;
  readonly #shardSet: ShardSet;
  readonly #shards: readonly ShardHandle[];
  readonly #groups: GroupTable;
  readonly #recovery: GroupRecovery;
  readonly #leaderWaits: LeaderWaits;
  #peers: Readonly<Record<NodeId, string>>;
  /** From then on each shard that opens is introduced as it does. */
  #started = false;
  readonly #creations: Pace;
  #closing = false;

  /**
   * Opens a data directory, starts the shards, recovers their groups and begins to serve. Shards
   * whose own store is damaged or cannot be opened stay down; it fails if no shard is up.
   * @throws ERR_OPTION_INVALID, ERR_DATA_DIR_LOCKED, ERR_DATA_DIR_FOREIGN, ERR_DATA_DIR_VERSION,
   * ERR_STORE_CORRUPT, ERR_STORE_FAILED, ERR_PORT_IN_USE, ERR_LISTEN_FAILED,
   * ERR_STATE_MACHINE_LOAD, ERR_WORKER_MISSING, ERR_SHARD_CRASHED, ERR_TIMEOUT. Nothing is left
   * open then, except a shard that hangs: it keeps the directory locked until it has ended.
   * @example
   * await using engine = await Engine.open({
   *   cluster: "demo", node: "n1", dir: "data/n1", listen: { host: "127.0.0.1", port: 7001 },
   *   stateMachine: new URL("./machine.js", import.meta.url),
   * });
   */
  static async open(options: EngineOptions): Promise<Engine> {
    const given = resolveEngineOptions(options);
    const { directory, resolved } = await openDirectory(given);
    const pool = startPool(resolved, directory);
    const instance = randomPrng().incarnation();
    const handles: ShardHandle[] = [];
    // Shards speak before all of them are open, and so before there is an engine to tell.
    const opening: { engine: Engine | undefined } = { engine: undefined };
    const early: ((engine: Engine) => void)[] = [];
    const tell = (news: (engine: Engine) => void): void => {
      if (opening.engine === undefined) early.push(news);
      else news(opening.engine);
    };
    const groups = new GroupTable();
    const recovery = new GroupRecovery(resolved.recover, groups, directory.shards);
    const owner: ShardOwner = {
      run: (task) => pool.run(task),
      taskOf: (start) => {
        const recover = recovery.recoverOf(start.shard);
        const port = sharesPort(resolved) ? nodePort.port : start.port;
        return taskOf(resolved, directory, { ...start, port }, { instance, recover });
      },
      releasePort: async (shard) => {
        await nodePort.release();
        return shard.port ?? resolved.identity.listen.port;
      },
      onEvent: (shard, event) => {
        if (event.kind === "opened") nodePort.onUp(shard);
        tell((engine) => engine.#onEvent(shard, event));
      },
      onCrash: (shard, crash) => tell((engine) => engine.#onCrash(shard, crash)),
      onFailure: (shard, error) => {
        if (opening.engine !== undefined) opening.engine.#onFailure(shard, error);
      },
    };
    const { callsMax, shardBytesMax } = resolved.tuning;
    const bounds = { callsMax, bytesMax: byteShares(shardBytesMax).calls, shardBytesMax };
    for (let shard = 0; shard < directory.shards; shard += 1) {
      handles.push(new ShardHandle(shard, bounds, owner));
    }
    const announce: Tell = (event, ...payload) => {
      if (opening.engine !== undefined) opening.engine.#tell(event, ...payload);
    };
    const nodePort = nodePortOf({ options: resolved, directory, instance, tell: announce });
    const shardSet = new ShardSet({ handles, pool, directory, nodePort });
    await shardSet.open(resolved.tuning.openTimeoutMs);
    const address = advertisedAddress(given.identity, nodePort.port);
    const engine = new Engine(resolved, shardSet, { groups, recovery, address });
    opening.engine = engine;
    for (const news of early) news(engine);
    try {
      await engine.#start();
    } catch (error) {
      await engine.close();
      throw error;
    }
    return engine;
  }

  private constructor(options: ResolvedOptions, shardSet: ShardSet, parts: EngineParts) {
    super();
    // As plain JavaScript may call it.
    if (!(shardSet instanceof ShardSet)) throw optionError(["an engine comes from Engine.open"]);
    const { groups, recovery, address } = parts;
    this.#options = options;
    this.#groups = groups;
    this.#recovery = recovery;
    this.#shardSet = shardSet;
    this.#shards = shardSet.handles;
    this.#peers = options.peers;
    const source: LeaderSource = {
      drain: () => {
        for (const shard of this.#shards) shard.drain();
      },
      describeFaults: (group) => this.#shardOf(group).peerFaults.describe(),
      failureOf: (group) => this.#shardOf(group).failed,
    };
    const { calls: bytesMax } = byteShares(options.tuning.shardBytesMax);
    this.#leaderWaits = new LeaderWaits(this.#groups, source, bytesMax);
    this.#creations = new Pace(limits.creationsMax, options.tuning.callsMax);
    this.node = options.identity.node;
    this.address = address;
  }

  async #start(): Promise<void> {
    this.#started = true;
    const up = this.#shards.filter(({ state }) => state === "up");
    await this.#introduce(up);
    await Promise.all(
      up.map((shard) =>
        this.#choose(shard).catch((error: unknown) => {
          // One that crashes meanwhile does so when it is back.
          if (!willBeTold(shard)) throw error;
        }),
      ),
    );
    // Once who opens the engine has had a turn to listen.
    setImmediate(() => {
      for (const shard of this.#shards) {
        if (shard.failed !== undefined) this.#onFailure(shard, shard.failed);
      }
    });
  }

  #choose(
    { shard }: ShardHandle,
    onHookFailed?: (group: GroupId, message: string) => void,
  ): Promise<void> {
    return this.#recovery.choose(shard, (group) => this.startGroup(group), onHookFailed);
  }

  /** Tells shards where everybody is; from then on they tick, dial and answer. */
  async #introduce(shards: readonly ShardHandle[]): Promise<void> {
    const { credentials } = this.#options;
    const ports = advertisedPorts(
      this.#options,
      this.#shards.map(({ state, port }) => (state === "up" ? port : undefined)),
    );
    const told = { addresses: this.#peers, credentials, ports };
    await this.#shardSet.introduce(shards, told, settingsOf(this.#options));
  }

  #onEvent(shard: ShardHandle, event: ShardEvent): void {
    if (event.kind === "opened") this.#forgetLost(shard, event.groups);
    this.#groups.take(event);
    if ("group" in event) this.#leaderWaits.notify(event.group);
    if (event.kind === "opened" && this.#started) this.#onShardBack(shard);
    tellShardEvent(shard.shard, event, (name, ...payload) => this.#tell(name, ...payload));
  }

  /**
   * Each event in a turn of its own, after the mail that brought it was read: a listener that
   * throws must not swallow the answers behind it.
   */
  #tell<K extends keyof EngineEvents>(event: K, ...payload: PayloadOf<K>): void {
    queueMicrotask(() => this.emit<K>(event, ...payload));
    const { logger } = this.#options;
    if (logger !== undefined)
      queueMicrotask(() => logger[levelOf[event]]({ ...payload[0] }, event));
  }

  #onCrash(shard: ShardHandle, crash: ShardCrash): void {
    const { length } = this.#shards;
    this.#groups.forgetRoles((group) => shardOfGroup(group, length) === shard.shard);
    this.#shardSet.onDown(shard);
    this.#tell("shardCrashed", { shard: shard.shard, ...crash });
  }

  /** It stays down: this node has no part in its groups until the process starts again. */
  #onFailure(shard: ShardHandle, error: RaftError): void {
    const { length } = this.#shards;
    const concerned = (group: GroupId): boolean => shardOfGroup(group, length) === shard.shard;
    this.#groups.forgetRoles(concerned);
    this.#leaderWaits.notifyAll(concerned);
    this.#shardSet.onDown(shard);
    this.#tell("shardFailed", { shard: shard.shard, error });
  }

  /** What a shard had not written down when it crashed is not there when it is back. */
  #forgetLost({ shard }: ShardHandle, found: readonly GroupInfo[]): void {
    const here = new Set(found.map(({ group }) => group));
    for (const { group } of this.groups()) {
      if (here.has(group) || shardOfGroup(group, this.#shards.length) !== shard) continue;
      this.#groups.take({ kind: "groupRemoved", group });
      this.#leaderWaits.notify(group);
    }
  }

  /**
   * A shard that crashed is open again, perhaps on another port, which its siblings then tell the
   * peers.
   */
  #onShardBack(shard: ShardHandle): void {
    const introduced = this.#introduce(this.#shards.filter(({ state }) => state === "up"));
    const started = introduced.then(() =>
      this.#choose(shard, (group, message) => this.#tell("hookFailed", { group, message })),
    );
    started.then(
      () => this.#tell("shardRestarted", { shard: shard.shard }),
      // It crashed once more, or the engine is closing: the next restart, or nobody, introduces it.
      () => {},
    );
  }

  /**
   * Replaces the address book: where the other nodes are, `host:port` by node id. This node's own
   * entry is ignored.
   * @throws ERR_OPTION_INVALID, ERR_ENGINE_CLOSED
   */
  async setPeers(peers: Readonly<Record<NodeId, string>>): Promise<void> {
    throwFaults(peerFaults(peers).map(({ option, message }) => `${option} ${message}`));
    if (this.#closing) throw new RaftError("ERR_ENGINE_CLOSED", "The engine is closed");
    this.#peers = peers;
    await this.#shardSet.tell({ kind: "setPeers", addresses: peers }, settingsOf(this.#options));
  }

  /**
   * Replaces the secret, the certificates or both; connections that are up stay. A secret is
   * changed on one node after another, first to `[new, old]`, then to `new`; an authority likewise,
   * first to a `ca` that holds both.
   * @throws ERR_OPTION_INVALID, and nothing has changed; also for a secret or certificates if the
   * engine was opened without them
   */
  async renewCredentials(credentials: CredentialOptions): Promise<void> {
    const options = this.#options;
    options.credentials = renewed(options.credentials, credentials);
    const call: ControlCall = { kind: "renewCredentials", credentials: options.credentials };
    await this.#shardSet.tell(call, settingsOf(options));
  }

  /**
   * Creates a group on its members. Returns when all have answered, or a second after a majority
   * runs it, or at the deadline, with those that run it. If no majority does, the call fails and
   * removes the replicas that it has created. Members that were not reached join later by
   * themselves.
   *
   * If the group exists with the same members, the call resumes its creation, and returns at once
   * if the group has a leader: several nodes may create a group at the same time, and calling again
   * finishes a creation whose outcome is unknown.
   * @throws ERR_GROUP_EXISTS, ERR_GROUP_CREATE_FAILED, ERR_OPTION_INVALID, ERR_BUSY,
   * ERR_STORE_FULL
   */
  async createGroup(options: CreateGroupOptions): Promise<GroupCreated> {
    throwFaults(createGroupFaults(this.node, options));
    const { group, members, timeoutMs = createTimeoutMs, campaign = true } = options;
    // The shard answers within timeoutMs; the call itself has a little more.
    const settings = settingsOf(this.#options, { timeoutMs: timeoutMs + 2_000 });
    const call = { kind: "createGroup", group, members, timeoutMs, campaign } as const;
    // Deadlines count from here on: a thousand at once are served in turn.
    return await this.#creations.run(() => this.#control<GroupCreated>(group, call, settings));
  }

  /**
   * Proposes a command; resolves when it is committed and applied here, with the state machine's
   * result.
   * @throws ERR_NOT_LEADER, ERR_LEADERSHIP_LOST, ERR_TIMEOUT, ERR_BUSY, ERR_STORE_FULL,
   * ERR_ENTRY_TOO_LARGE, ERR_APPLY_FAILED and others of the error table; `outcome` says whether the
   * command may have been applied.
   */
  propose(group: GroupId, command: Uint8Array, options?: CallOptions): Promise<Proposed> {
    const fault = callFault(group, command, this.#commandBytesMax) ?? callOptionsFault(options);
    if (fault !== undefined) return Promise.reject(fault);
    const settings = settingsOf(this.#options, options);
    if (!this.#leaderWaits.holds(group, settings)) {
      return this.#shardOf(group).propose(group, [command], settings);
    }
    const led = this.#leaderWaits.before(group, { entries: [command], settings });
    return led.then((call) => this.#shardOf(group).propose(group, call.entries, call.settings));
  }

  /**
   * Proposes several commands of one group at once: one call, one run of entries, in this order.
   * Each entry has its own result; an ERR_APPLY_FAILED stands in the place of its entry. Together
   * they may not exceed `commandBytesMax`, where each command but the first counts 5 bytes more
   * than it has.
   */
  proposeBatch(
    group: GroupId,
    commands: readonly Uint8Array[],
    options?: CallOptions,
  ): Promise<readonly BatchResult[]> {
    const fault = callOptionsFault(options);
    if (fault !== undefined) return Promise.reject(fault);
    const inBatch = batchFault(group, commands, this.#commandBytesMax);
    if (inBatch !== undefined) return Promise.reject(inBatch);
    if (commands.length === 0) return Promise.resolve([]);
    const settings = settingsOf(this.#options, options);
    if (!this.#leaderWaits.holds(group, settings)) {
      return this.#shardOf(group).proposeBatch(group, commands, settings);
    }
    const led = this.#leaderWaits.before(group, { entries: commands, settings });
    return led.then((call) => {
      return this.#shardOf(group).proposeBatch(group, call.entries, call.settings);
    });
  }

  /**
   * Linearizable read: sees every write that was acknowledged, anywhere, before the call. Costs no
   * log entry and no flush.
   */
  async read(group: GroupId, query: Uint8Array, options?: CallOptions): Promise<ReadResult> {
    const fault = callFault(group, query, this.#commandBytesMax) ?? callOptionsFault(options);
    if (fault !== undefined) throw fault;
    const { index, values } = await this.#readLed(group, [query], options);
    return { index, value: answerOf(values) };
  }

  /**
   * Linearizable read of several queries at once: one call, all answered from one state. Each query
   * has its own answer; an ERR_QUERY_FAILED stands in the place of its answer. Their bytes are
   * bounded as those of `proposeBatch`; there must be one at least.
   */
  async readBatch(
    group: GroupId,
    queries: readonly Uint8Array[],
    options?: CallOptions,
  ): Promise<ReadBatchResult> {
    const fault = callOptionsFault(options) ?? batchFault(group, queries, this.#commandBytesMax);
    if (fault !== undefined) throw fault;
    if (queries.length === 0) throw optionError(["queries must hold at least one query"]);
    const { index, values } = await this.#readLed(group, queries, options);
    return { index, values };
  }

  async #readLed(
    group: GroupId,
    queries: readonly Uint8Array[],
    options: CallOptions | undefined,
  ): Promise<ReadAnswer> {
    const settings = settingsOf(this.#options, options);
    const called = { entries: queries, settings };
    const isHeld = this.#leaderWaits.holds(group, settings);
    const call = isHeld ? await this.#leaderWaits.before(group, called) : called;
    return await this.#shardOf(group).read(group, call.entries, call.settings);
  }

  /**
   * Reads this node's replica as it is: never waits for a quorum, works on followers, may be stale.
   */
  async readLocal(
    group: GroupId,
    query: Uint8Array,
    options?: CallOptions,
  ): Promise<LocalReadResult> {
    const fault = callFault(group, query, this.#commandBytesMax) ?? callOptionsFault(options);
    if (fault !== undefined) throw fault;
    const settings = settingsOf(this.#options, options);
    const { index, ageMs, values } = await this.#shardOf(group).readLocal(group, query, settings);
    return { value: answerOf(values), appliedIndex: index, ageMs };
  }

  /** Everything that is known here of a group's replica, as plain data. */
  status(group: GroupId): Promise<GroupStatus> {
    return this.#control<GroupStatus>(group, { kind: "status", group });
  }

  /** The hash over a replica's state that its state machine computes, if it runs. */
  digest(group: GroupId): Promise<StateDigest> {
    return this.#control<StateDigest>(group, { kind: "digest", group });
  }

  /** Counters of every shard that is up. */
  stats(): Promise<ShardStats[]> {
    const settings = settingsOf(this.#options);
    const up = this.#shards.filter(({ state }) => state === "up");
    return Promise.all(up.map((shard) => shard.control<ShardStats>({ kind: "stats" }, settings)));
  }

  /**
   * Whether this node serves, and why not. Asks every shard: one that does not answer in time is
   * held up by its disk or a state machine.
   * @param options `timeoutMs`, from 1 to 86,400,000; 1,000 unless given
   * @throws ERR_OPTION_INVALID
   */
  async health(options: { readonly timeoutMs?: number | undefined } = {}): Promise<Health> {
    throwFaults(deadlineFaults("health", options));
    return await healthOf(this.#shards, options.timeoutMs ?? healthTimeoutMs);
  }

  /** The groups of this node, as last told by their shards. */
  groups(): readonly GroupView[] {
    return this.#groups.all();
  }

  /**
   * One group as last told by its shard, or undefined where it has no replica here. Costs nothing.
   */
  group(group: GroupId): GroupView | undefined {
    return this.#groups.get(group);
  }

  /**
   * Resolves as soon as a leader of the group is known here.
   * @throws ERR_GROUP_NOT_FOUND, ERR_TIMEOUT, ERR_ABORTED, ERR_ENGINE_CLOSED, a shard's failure
   */
  awaitLeader(group: GroupId, options?: CallOptions): Promise<KnownLeader> {
    const fault = isGroupId(group) ? callOptionsFault(options) : groupIdInvalid(group);
    if (fault !== undefined) return Promise.reject(fault);
    return this.#leaderWaits.wait(group, settingsOf(this.#options, options));
  }

  /**
   * Runs a stopped replica again, and tries a failed one again at once. Does nothing if it runs.
   * @throws ERR_GROUP_FAILED if it cannot run now; it is tried again by itself. ERR_GROUP_DISABLED
   */
  async startGroup(group: GroupId): Promise<void> {
    await this.#control<null>(group, { kind: "startGroup", group });
  }

  /**
   * Runs a replica again that is held because it has ended its shard's worker again and again, or
   * that was disabled because its state machine threw (`applyError`), and one that is stopped or
   * failed, as `startGroup` does. A held one that ends the worker once more is held again; its code
   * is loaded when the worker starts. A replica whose log is damaged or contradicts its group's
   * stays disabled: as a voter it would vouch for what it has forgotten.
   * @throws ERR_GROUP_DISABLED if it cannot be trusted, ERR_GROUP_FAILED if it cannot run now
   */
  async enableGroup(group: GroupId): Promise<void> {
    await this.#control<null>(group, { kind: "enableGroup", group });
  }

  /**
   * Stops this node's replica, durably; its log is kept. A leader hands over its leadership first.
   * Does nothing if it is stopped.
   */
  async stopGroup(group: GroupId): Promise<void> {
    await this.#control<null>(group, { kind: "stopGroup", group });
  }

  /**
   * Makes this node's replica campaign now. `force` skips the pre-vote and unseats a leader that is
   * well. Resolves with false if it leads already; watch `leaderChanged` for the outcome.
   */
  async campaign(group: GroupId, options: { readonly force?: boolean } = {}): Promise<boolean> {
    throwFaults(campaignFaults(options));
    return await this.#control<boolean>(group, {
      kind: "campaign",
      group,
      force: options.force ?? false,
    });
  }

  /**
   * Makes this node's replica give up leadership: it hands over to the reachable member that is
   * most up to date, and steps down without a successor if that takes longer than an election
   * timeout. Resolves when it leads no more; with false if it did not lead.
   */
  resign(group: GroupId): Promise<boolean> {
    return this.#control<boolean>(group, { kind: "resign", group });
  }

  /**
   * Hands over every leadership, within two election timeouts; then stops every shard and closes
   * stores, sockets and threads. Calls that wait are rejected. May be called again, with a deadline
   * of its own.
   * @param options `timeoutMs`, from 1 to 86,400,000; 30,000 unless given
   * @throws ERR_TIMEOUT naming the shards that have not ended by then, since a state machine or the
   * disk holds them up. They go on ending, and keep the data directory locked until they have; the
   * process may end without them. ERR_OPTION_INVALID
   */
  async close(options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    throwFaults(deadlineFaults("close", options));
    this.#closing = true;
    this.#leaderWaits.close();
    await this.#shardSet.close(options.timeoutMs ?? closeTimeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #control<T>(
    group: GroupId,
    call: ControlCall,
    settings: CallSettings = settingsOf(this.#options),
  ): Promise<T> {
    if (!isGroupId(group)) throw groupIdInvalid(group);
    return await this.#shardOf(group).control<T>(call, settings);
  }

  get #commandBytesMax(): number {
    return this.#options.tuning.commandBytesMax;
  }

  #shardOf(group: GroupId): ShardHandle {
    const handle = this.#shards[shardOfGroup(group, this.#shards.length)];
    if (handle === undefined) throw new RaftError("ERR_INTERNAL", "every group has a shard");
    return handle;
  }
}
