/** What a Redis server answers, as far as the load asks. */

const ok = Buffer.from("+OK\r\n");

/** Counts the replies to SET, of which a chunk of the stream may hold any part. */
export class OkCounter {
  /** Bytes of the next reply that are here already. */
  private partial = 0;

  /** Replies that this chunk completes. @throws where one is not `+OK`. */
  take(chunk: Uint8Array): number {
    let at = this.partial;
    for (const byte of chunk) {
      if (byte !== ok[at]) throw new Error(`redis answered ${describe(chunk)}`);
      at = at + 1 === ok.length ? 0 : at + 1;
    }
    const bytes = this.partial + chunk.length;
    this.partial = at;
    return Math.floor(bytes / ok.length);
  }
}

/** The text of a bulk reply, or undefined while it is not here whole. */
export function bulkOf(reply: string): string | undefined {
  const head = /^\$(\d+)\r\n/.exec(reply);
  if (head === null) {
    if (reply.includes("\r\n")) throw new Error(`redis answered ${reply.trim()}`);
    return undefined;
  }
  const [line, length] = head;
  const end = line.length + Number(length);
  return reply.length >= end + 2 ? reply.slice(line.length, end) : undefined;
}

/** CPU time of the server in µs, of the text of `INFO cpu`. */
export function cpuMicrosOf(info: string): number {
  const seconds = ["used_cpu_sys", "used_cpu_user"].map((name) => {
    const found = new RegExp(`^${name}:([0-9.]+)\\r?$`, "m").exec(info)?.[1];
    if (found === undefined) throw new Error(`INFO cpu does not tell ${name}`);
    return Number(found);
  });
  return seconds.reduce((left, right) => left + right, 0) * 1e6;
}

/** Of the first line of `redis-server --version`. */
export function redisVersionOf(text: string): string | undefined {
  return /\bv=(\S+)/.exec(text)?.[1];
}

function describe(chunk: Uint8Array): string {
  return JSON.stringify(Buffer.from(chunk).toString("latin1").slice(0, 100));
}
