/**
 * One node: its identity, its disks, and the processes that run on them one after another.
 *
 *      boot ─► every shard opens ─► started, told of its peers ─► … ─► crash, or a shard fails
 *
 * A process that ends by itself, since a store failed or could not be opened, is started again
 * later, as a supervisor would; not where its disk says that it is damaged: that is for people.
 */
import { RaftError, shardOfGroup } from "../../base/index.ts";
import type { GroupId, Incarnation, NodeId, ShardId } from "../../base/index.ts";
import type { LogStore, RecoveredGroup, StoreIdentity } from "../../log/index.ts";
import type { ShardEvent } from "../../shard/index.ts";
import { MemoryTransport } from "../../transport/index.ts";
import { eventKind } from "./agenda.ts";
import { SimulatedDisk } from "./disk.ts";
import type { DiskImage } from "./disk.ts";
import { ShadowDisk } from "./shadow-disk.ts";
import type { ShadowReplica } from "./shadow.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { SimulatedShard } from "./simulated-shard.ts";
import { Violation } from "./violation.ts";
import { WatchedStore } from "./watched-store.ts";
import type { World } from "./world.ts";

interface Volume {
  disk: SimulatedDisk;
  shadow: ShadowDisk;
}

interface Image {
  readonly incarnation: Incarnation;
  readonly disks: readonly { image: DiskImage; shadow: Map<GroupId, ShadowReplica> }[];
}

const clusterName = "simulated";
/** Ports of one node begin here, times its position. */
const portsOfNode = 100;
/** A shard that crashed alone is back after this. */
const shardRestartUs = 100_000;

export class SimulatedNode {
  readonly id: NodeId;
  readonly shards: number;
  readonly clock: SimulatedClock;
  volumes: Volume[];
  slots: SimulatedShard[] = [];
  /** The machine has power and its process was started. */
  up = false;
  /** A disk was found damaged: it does not come back by itself. */
  broken = false;
  private readonly world: World;
  private firstPort: number;
  private readonly ports: { readonly first: number; moves: number };
  private incarnation: Incarnation;
  private saved: Image | undefined;
  /** How it is to crash at its next commit. */
  private armed: "power" | "process" | undefined;

  constructor(world: World, at: number, settings: { id: NodeId; shards: number }) {
    this.world = world;
    this.id = settings.id;
    this.shards = settings.shards;
    this.firstPort = portsOfNode * (at + 1);
    this.ports = { first: this.firstPort, moves: 0 };
    const { prng, agenda } = world;
    const { driftPpm, offsetUs } = world.settings;
    const drift = prng.between(-driftPpm, driftPpm + 1);
    this.clock = new SimulatedClock(agenda, drift, prng.between(-offsetUs, offsetUs + 1));
    this.incarnation = prng.incarnation();
    this.volumes = this.newVolumes();
  }

  /** A log of it takes no entries now, and no new groups. */
  get isBounded(): boolean {
    return this.volumes.some(({ disk }) => disk.faults.bounded);
  }

  /** Of its disks. */
  get directory(): Incarnation {
    return this.incarnation;
  }

  get address(): string {
    return `memory:${this.firstPort}`;
  }

  slotOf(group: GroupId): SimulatedShard | undefined {
    return this.slotAt(shardOfGroup(group, this.shards));
  }

  slotAt(shardId: ShardId): SimulatedShard | undefined {
    const slot = this.slots[shardId];
    return slot?.alive === true ? slot : undefined;
  }

  shadowOf(group: GroupId): ShadowReplica | undefined {
    return this.volumes[shardOfGroup(group, this.shards)]?.shadow.written.get(group);
  }

  /** Every shard is open and serves. */
  get serves(): boolean {
    return (
      this.up && this.slots.length > 0 && this.slots.every(({ alive, isOpen }) => alive && isOpen)
    );
  }

  boot(): void {
    if (this.up || this.broken) return;
    this.up = true;
    this.world.tally.count("starts of a node");
    this.slots = [];
    for (let shardId = 0; shardId < this.shards; shardId += 1) {
      this.slots.push(this.openShard(shardId));
    }
  }

  /** `power`: what was not flushed is lost, in part. Otherwise the kernel goes on and has it. */
  crash(power: boolean): void {
    if (!this.up) return;
    this.up = false;
    for (const slot of this.slots) this.end(slot, power);
  }

  /** Ends as an engine that is closed: its shards hand over, and then close their stores. */
  close(): void {
    if (!this.up) return;
    for (const slot of this.slots) {
      if (slot.isOpen) slot.client.control({ kind: "close" }, () => this.closed(slot));
      else this.end(slot, false);
    }
  }

  private closed(slot: SimulatedShard): void {
    this.end(slot, false);
    if (this.slots.every(({ alive }) => !alive)) this.up = false;
  }

  /** Crashes while its next commit is on its way to the disk, or just after. */
  crashAtWrite(power: boolean): void {
    this.armed = power ? "power" : "process";
  }

  private onWriting(): void {
    const { armed, world } = this;
    if (armed === undefined) return;
    this.armed = undefined;
    const { agenda, prng, settings, tally } = world;
    const atUs = agenda.nowUs + prng.between(0, settings.commitUs * 2);
    agenda.settleAt(atUs, eventKind.life, () => {
      if (this.up) tally.fault(`${armed === "power" ? "power cut" : "kill"} during a commit`);
      this.crash(armed === "power");
    });
  }

  /** One worker thread dies; the process starts another in its place. */
  crashShard(shardId: ShardId): void {
    const slot = this.slotAt(shardId);
    if (slot === undefined || !slot.isOpen) return;
    this.end(slot, false);
    const { agenda } = this.world;
    agenda.settleAt(agenda.nowUs + shardRestartUs, eventKind.life, () => {
      if (this.up && this.slots[shardId] === slot) this.slots[shardId] = this.openShard(shardId);
    });
  }

  /** Its process goes on at another address; the others must be told. */
  move(): void {
    const { up, ports } = this;
    this.crash(false);
    ports.moves += 1;
    this.firstPort = ports.first + ((ports.moves * this.shards) % portsOfNode);
    if (up) this.boot();
  }

  /** As far as its shards are open; those that open later are told then. */
  tellAddresses(): void {
    const addresses = this.world.addressesFor(this.id);
    for (const { alive, isOpen, client } of this.slots) {
      if (alive && isOpen) client.control({ kind: "setPeers", addresses }, ignore);
    }
  }

  /** The disks are replaced by empty ones: the node is another one under the same name. */
  loseDisk(): void {
    this.crash(true);
    this.broken = false;
    this.incarnation = this.world.prng.incarnation();
    this.volumes = this.newVolumes();
    this.world.checks.onDiskLost?.(this.id);
  }

  saveImage(): void {
    this.saved = {
      incarnation: this.incarnation,
      disks: this.volumes.map(({ disk, shadow }) => ({
        image: disk.image(),
        shadow: shadow.image(),
      })),
    };
  }

  /** The disks of an earlier moment come back. */
  restoreImage(): boolean {
    const { saved } = this;
    if (saved === undefined || saved.incarnation !== this.incarnation) return false;
    const shadows = saved.disks.map(({ shadow }) => shadow);
    if (!this.world.isSpare(this.id, shadows)) return false;
    this.crash(true);
    for (const [at, { disk, shadow }] of this.volumes.entries()) {
      const old = saved.disks[at];
      if (old === undefined) continue;
      disk.restore(old.image);
      shadow.restore(old.shadow);
    }
    this.world.checks.onDiskLost?.(this.id);
    return true;
  }

  /** Its disks are sound and quick from now on. */
  healDisks(commitUs: number): void {
    for (const { disk } of this.volumes) {
      const rates = { writeErrorRate: 0, flushErrorRate: 0, readErrorRate: 0, commitTailRate: 0 };
      Object.assign(disk.faults, { commitUs, full: false, ...rates });
      disk.resume();
    }
  }

  private newVolumes(): Volume[] {
    return Array.from({ length: this.shards }, () => {
      const { prng, checks, settings } = this.world;
      const disk = new SimulatedDisk(prng.uint32(), this.world.tally, settings.segmentBytes);
      const { commitUs, commitTailRate, commitTailUs } = settings;
      const { writeErrorRate, flushErrorRate, readErrorRate } = settings;
      Object.assign(disk.faults, { commitUs, commitTailRate, commitTailUs });
      Object.assign(disk.faults, { writeErrorRate, flushErrorRate, readErrorRate });
      disk.faults.blocking = settings.blocking === 1;
      return { disk, shadow: new ShadowDisk(this.id, checks, this.world.trace) };
    });
  }

  private openShard(shardId: ShardId): SimulatedShard {
    const { world } = this;
    const { agenda, settings, network } = world;
    const { id: node, incarnation, shards } = this;
    const port = this.firstPort + shardId;
    void network.at(port)?.close();
    const identity = { cluster: clusterName, node, incarnation, shard: shardId, shards };
    const transport = new MemoryTransport(network, {
      ...identity,
      port,
      sendQueueBytesMax: 2 * settings.options.laneBytesMax,
    });
    const slot = new SimulatedShard({
      node,
      shardId,
      agenda,
      prng: world.fork(),
      clock: this.clock,
      options: settings.options,
      transport,
      createStateMachine: world.createStateMachine,
      machineUs: () => world.machineUs,
      onEvent: (from, event) => this.onEvent(from, event),
      onTurn: (from) => world.onTurn(from),
    });
    const store = this.storeFor(slot, identity);
    slot.open(store).then(
      () => this.opened(slot),
      (error: unknown) => this.refused(slot, error),
    );
    return slot;
  }

  private storeFor(slot: SimulatedShard, identity: StoreIdentity): LogStore {
    const { world } = this;
    const volume = this.volumes[slot.shardId];
    if (volume === undefined) throw new RangeError("a shard has its disk");
    const { disk, shadow } = volume;
    const { durability } = world.settings;
    const store = disk.openStore(
      world.diskHost(slot),
      { identity, durability },
      {
        written: (sequence, batch) => {
          shadow.onWritten(sequence, batch, world.agenda.nowUs);
          this.onWriting();
        },
        durable: (sequence) => shadow.onDurable(sequence, world.agenda.nowUs),
        crashed: (keptThrough) => shadow.onCrashed(keptThrough),
      },
    );
    return new WatchedStore(store, {
      found: (groups) => {
        if (!slot.alive) return;
        this.noteDamage(slot, groups);
        world.checks.onRecovered?.(this.id, slot.shardId, groups);
      },
      given: (batch) => {
        if (slot.alive) world.checks.onCommit?.(this.id, slot.shardId, batch);
      },
    });
  }

  private opened(slot: SimulatedShard): void {
    if (!slot.alive) return;
    slot.isOpen = true;
    if (this.slots.length < this.shards || !this.slots.every(({ isOpen }) => isOpen)) return;
    const ports = this.slots.map(({ transport }) => transport.port);
    // A shard that was restarted alone is told anew; for the others nothing changes.
    for (const { client } of this.slots) client.control({ kind: "start", ports }, ignore);
    this.tellAddresses();
  }

  /** The process ends, as an engine that cannot open does. */
  private refused(slot: SimulatedShard, error: unknown): void {
    if (!slot.alive) return;
    if (!(error instanceof RaftError)) throw error;
    this.world.tally.count(`opening refused: ${error.code}`);
    this.world.trace?.life(this.id, `cannot open: ${error.message}`);
    if (error.code === "ERR_STORE_FAILED") this.restartLater();
    else if (isDamage(error) && this.harmed(slot)) this.broken = true;
    else throw new Violation("opens", `${this.id} cannot open: ${error.code}: ${error.message}`);
    this.crash(false);
  }

  /** A store that opens tells of damage where there is some, and the others of its groups serve. */
  private noteDamage(slot: SimulatedShard, groups: readonly RecoveredGroup[]): void {
    for (const { descriptor, damage } of groups) {
      if (damage === undefined) continue;
      this.world.tally.fault("damaged entry found by its store");
      if (this.harmed(slot)) continue;
      throw new Violation("opens", `${this.id} takes g${descriptor.group} for damaged: ${damage}`);
    }
  }

  private harmed({ shardId }: SimulatedShard): boolean {
    return this.volumes[shardId]?.disk.harmed ?? false;
  }

  private end(slot: SimulatedShard, power: boolean): void {
    if (!slot.alive) return;
    const { world } = this;
    slot.alive = false;
    world.agenda.rescheduled(slot);
    const volume = this.volumes[slot.shardId];
    volume?.disk.crash(power ? "power" : "process");
    // What a power cut has left was written by the disk itself.
    if (power) volume?.shadow.onDurable(Number.POSITIVE_INFINITY, world.agenda.nowUs);
    world.trace?.life(this.id, `shard ${slot.shardId} ends`);
    world.checks.onStopped?.(this.id, slot.shardId);
    slot.client.lose();
    // Without power nobody says goodbye: the others go on sending until they notice.
    const noticeUs = power ? world.settings.noticeUs : 0;
    const close = (): void => void slot.transport.close();
    if (noticeUs === 0) close();
    else {
      world.tally.fault("half-open connections");
      world.agenda.at(world.agenda.nowUs + noticeUs, eventKind.network, close);
    }
  }

  private restartLater(): void {
    const { agenda, settings } = this.world;
    agenda.settleAt(agenda.nowUs + settings.restartUs, eventKind.life, () => {
      if (this.up && this.serves) return;
      this.crash(false);
      this.boot();
    });
  }

  private onEvent(slot: SimulatedShard, event: ShardEvent): void {
    if (!slot.alive) return;
    const { world } = this;
    switch (event.kind) {
      case "roleChanged":
        if (event.role === "leader") world.tally.count("leaders elected");
        world.trace?.role({ node: this.id, ...event });
        world.checks.onRole?.({ node: this.id, ...event });
        return;
      case "failed":
        world.tally.count(`shard ended: ${event.error.code}`);
        slot.isOpen = false;
        this.restartLater();
        return;
      case "groupFailed":
        world.onFailed(this.id, event.group, event.reason);
        return;
      case "groupDisabled":
        world.onDisabled(this.id, event.group, event.reason);
        return;
      default:
    }
  }
}

/** A rotten version number passes for a format of the future. */
function isDamage({ code }: RaftError): boolean {
  return code === "ERR_STORE_CORRUPT" || code === "ERR_DATA_DIR_VERSION";
}

function ignore(): void {
  // Whether the shard serves is seen by its calls.
}
