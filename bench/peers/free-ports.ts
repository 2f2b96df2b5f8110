/** Ports for programs that cannot say which one the system gave them. */
import { once } from "node:events";
import { createServer } from "node:net";

/** Different ports of 127.0.0.1 that were free just now. */
export async function freePorts(count: number): Promise<number[]> {
  const listeners = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      listeners.map(async (listener) => {
        listener.listen(0, "127.0.0.1");
        await once(listener, "listening");
        const address = listener.address();
        if (address === null || typeof address === "string") throw new Error("no port");
        return address.port;
      }),
    );
  } finally {
    for (const listener of listeners) listener.close();
  }
}
