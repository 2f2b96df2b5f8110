/**
 * Listens on the port of shard 0 while that is down, and tells whoever asks there where the other
 * shards are: peers are given one address of a node, and one shard that fails must not hide the
 * others. It takes no lanes: those for other shards are dialled at their ports.
 *
 *   shard 0 crashes, fails, or is late ──► binds its port, again and again until it is free
 *   shard 0 is about to bind it        ──► lets go: the shard is told to go on when it is free
 */
import type { NodeId } from "../base/index.ts";
import type { ControlCall } from "../shard/index.ts";
import type { TcpTransport, TransportHandler } from "../transport/index.ts";
import type { NodePort, PortShard } from "./node-port.ts";

/** Pauses before the port is tried again, in ms. */
const retryMinMs = 50;
const retryMaxMs = 2_000;

/** Makes the transport that answers on a port. */
export type MakeTransport = (port: number) => TcpTransport;

export class StandIn implements NodePort {
  readonly #make: MakeTransport;
  readonly #handler: TransportHandler;
  /** The one at which peers look for this node; 0 until one is chosen. */
  #port: number;
  #ports: readonly number[] | undefined;
  #peers: Readonly<Record<NodeId, string>> = {};
  #transport: TcpTransport | undefined;
  #opening: Promise<void> | undefined;
  #isWanted = false;
  #pauseMs = retryMinMs;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param port of shard 0, 0 to let the system choose */
  constructor(port: number, make: MakeTransport, onRefused: TransportHandler["onRefused"]) {
    this.#port = port;
    this.#make = make;
    this.#handler = { ...silent, onRefused };
  }

  get port(): number {
    return this.#port;
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  onUp({ shard, port }: PortShard): void {
    if (shard === 0 && this.#port === 0) this.#port = port ?? 0;
  }

  /** Listens, if it is shard 0 that is down; resolves when its port was tried once. */
  onDown({ shard }: PortShard): Promise<void> {
    return shard === 0 ? this.#begin() : Promise.resolve();
  }

  #begin(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isWanted = true;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async release(): Promise<void> {
    this.#isWanted = false;
    this.#pauseMs = retryMinMs;
    clearTimeout(this.#retry);
    await this.#opening;
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.release();
  }

  /** Shard 0 is down while this listens. */
  setDirectory([, ...others]: readonly number[]): void {
    this.#ports = [0, ...others];
    this.#transport?.setDirectory(this.#ports);
  }

  tell(call: ControlCall): void {
    if (call.kind === "setPeers") {
      this.#peers = call.addresses;
      this.#transport?.setPeers(call.addresses);
    } else if (call.kind === "renewCredentials") {
      this.#transport?.renewCredentials(call.credentials);
    }
  }

  async #open(): Promise<void> {
    if (this.#transport !== undefined) return;
    const transport = this.#make(this.#port);
    try {
      await transport.listen(this.#handler);
    } catch {
      // The shard's thread has not ended yet, or somebody else has taken the port.
      await transport.close();
      if (this.#isWanted) this.#tryLater();
      return;
    }
    this.#port = transport.port;
    this.#transport = transport;
    transport.setPeers(this.#peers);
    if (this.#ports !== undefined) transport.setDirectory(this.#ports);
  }

  #tryLater(): void {
    this.#retry = setTimeout(() => void this.#begin(), this.#pauseMs);
    this.#retry.unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, retryMaxMs);
  }
}

/** It has neither lanes nor links. */
const silent: Omit<TransportHandler, "onRefused"> = {
  onFrame: () => {},
  onLinkUp: () => {},
  onLinkDown: () => {},
  onDrain: () => {},
  onPeerGone: () => {},
};
