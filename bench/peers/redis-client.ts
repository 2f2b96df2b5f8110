/** One connection to a Redis server, with some SETs in flight at any time. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { OkCounter, bulkOf } from "./redis-replies.ts";

/** The latency of one command in so many is kept, where there are that many in flight. */
const sampleEveryMax = 64;

export interface RedisLoad {
  readonly port: number;
  /** Of this connection, for keys of its own. */
  readonly number: number;
  readonly outstanding: number;
  readonly valueBytes: number;
}

export class RedisClient {
  acknowledged = 0;
  latenciesUs: number[] = [];
  private readonly socket: Socket;
  private readonly outstanding: number;
  private readonly sampleEvery: number;
  private readonly commandBytes: number;
  /** A command for each key, one after the other: they are sent round and round. */
  private readonly ring: Buffer;
  private at = 0;
  private readonly replies: OkCounter = new OkCounter();
  private readonly sent: { readonly atMs: number; commands: number }[] = [];
  private active = true;

  private constructor(socket: Socket, load: RedisLoad) {
    this.socket = socket;
    this.outstanding = load.outstanding;
    this.sampleEvery = Math.min(sampleEveryMax, load.outstanding);
    const commands = Array.from({ length: load.outstanding }, (_, key) => setCommand(load, key));
    this.commandBytes = commands[0]?.length ?? 0;
    this.ring = Buffer.concat(commands);
  }

  static async open(load: RedisLoad): Promise<RedisClient> {
    return new RedisClient(await openSocket(load.port), load);
  }

  /** Sends until `stop`. Rejects where the server fails. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once("error", reject);
      this.socket.once("close", () => {
        if (this.active) reject(new Error("redis closed the connection"));
        else resolve();
      });
      this.socket.on("data", (chunk: Buffer) => {
        try {
          this.take(this.replies.take(chunk));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          this.socket.destroy();
        }
      });
      this.send(this.outstanding);
    });
  }

  /** Forgets what was counted so far. */
  restart(): void {
    this.acknowledged = 0;
    this.latenciesUs = [];
  }

  stop(): void {
    this.active = false;
    this.socket.destroy();
  }

  private take(replies: number): void {
    if (replies === 0) return;
    this.note(replies);
    if (this.active) this.send(replies);
  }

  private note(replies: number): void {
    const nowMs = performance.now();
    let rest = replies;
    for (let oldest = this.sent[0]; rest > 0 && oldest !== undefined; oldest = this.sent[0]) {
      const count = Math.min(rest, oldest.commands);
      const before = Math.floor(this.acknowledged / this.sampleEvery);
      this.acknowledged += count;
      const samples = Math.floor(this.acknowledged / this.sampleEvery) - before;
      const latencyUs = (nowMs - oldest.atMs) * 1_000;
      for (let sample = 0; sample < samples; sample++) this.latenciesUs.push(latencyUs);
      rest -= count;
      oldest.commands -= count;
      if (oldest.commands === 0) this.sent.shift();
    }
  }

  private send(commands: number): void {
    this.sent.push({ atMs: performance.now(), commands });
    const end = this.at + commands * this.commandBytes;
    if (end <= this.ring.length) this.socket.write(this.ring.subarray(this.at, end));
    else {
      this.socket.cork();
      this.socket.write(this.ring.subarray(this.at));
      this.socket.write(this.ring.subarray(0, end - this.ring.length));
      this.socket.uncork();
    }
    this.at = end % this.ring.length;
  }
}

/** What the server answers to a command that it answers with a text. */
export async function askRedis(port: number, command: string): Promise<string> {
  const socket = await openSocket(port);
  try {
    socket.setEncoding("latin1");
    socket.write(`${command}\r\n`);
    let reply = "";
    for await (const chunk of socket) {
      reply += String(chunk);
      const text = bulkOf(reply);
      if (text !== undefined) return text;
    }
    throw new Error(`redis closed the connection after ${command}`);
  } finally {
    socket.destroy();
  }
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** All of one length. */
function setCommand({ number, valueBytes }: RedisLoad, key: number): Buffer {
  const name = `c${String(number).padStart(3, "0")}:${String(key).padStart(6, "0")}`;
  const parts = ["SET", name, "v".repeat(valueBytes)];
  const bulks = parts.map((part) => `$${part.length}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${bulks.join("")}`, "latin1");
}
