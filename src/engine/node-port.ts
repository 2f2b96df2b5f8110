/** Who has the port at which peers look for this node, besides shard 0 itself. */
import type { ShardId } from "../base/index.ts";
import type { ControlCall, ShardTask } from "../shard/index.ts";

/** An end of a channel between two threads. */
export type ThreadPort = ShardTask["mail"];

/** A shard, as far as it is of concern here. */
export interface PortShard {
  readonly shard: ShardId;
  /** Where it listens; undefined while that is not known. */
  readonly port: number | undefined;
  /** Hands a shard that is up its end of a port to the relay. */
  takeRelay(port: ThreadPort): void;
}

export interface NodePort {
  /** Where peers look for this node; 0 until that is known. */
  readonly port: number;
  /**
   * Before any shard opens.
   * @throws what concerns the whole node
   */
  open(): Promise<void>;
  onUp(shard: PortShard): void;
  /** A shard has crashed or failed, or is late. Resolves when what can be done at once is done. */
  onDown(shard: PortShard): Promise<void>;
  /** Shard 0 is about to bind the port: resolves when it is free. */
  release(): Promise<void>;
  /** Ports of all shards, 0 for those that are down. */
  setDirectory(ports: readonly number[]): void;
  /** What the shards are told, too. */
  tell(call: ControlCall): void;
  close(): Promise<void>;
}
