/** What the main thread and the relay's thread say to each other; and the thread's end of it. */
import { errorToWire } from "../base/index.ts";
import type { ShardId, WireError } from "../base/index.ts";
import { Relay } from "../transport/index.ts";
import type { CredentialOptions, RelayOptions } from "../transport/index.ts";
import type { ThreadPort } from "./node-port.ts";
import { randomPrng } from "./shard-task.ts";

/** Plain data and a port. */
export interface RelayTask {
  readonly orders: ThreadPort;
  readonly options: Omit<RelayOptions, "prng" | "soon" | "timers">;
}

export type RelayThreadOrder =
  /** A shard is up, and has the other end of the port. */
  | { readonly kind: "attach"; readonly shard: ShardId; readonly port: ThreadPort }
  | { readonly kind: "expect"; readonly nodes: number }
  | { readonly kind: "renewCredentials"; readonly credentials: CredentialOptions }
  | { readonly kind: "close" };

export type RelayThreadReport =
  | { readonly kind: "listening"; readonly port: number }
  /** It cannot listen, and ends. */
  | { readonly kind: "failed"; readonly error: WireError };

export function serveRelay({ orders, options }: RelayTask): void {
  const report = (told: RelayThreadReport): void => orders.postMessage(told);
  openRelay(options).then(
    ({ relay, port }) => {
      orders.on("message", (order: RelayThreadOrder) => obey(relay, order, orders));
      report({ kind: "listening", port });
    },
    (error: unknown) => {
      // The error's class would be lost on its way to the other thread; its table entry is not.
      report({ kind: "failed", error: errorToWire(error) });
      orders.close();
    },
  );
}

async function openRelay(options: RelayTask["options"]): Promise<{ relay: Relay; port: number }> {
  const soon = (task: () => void): void => {
    setImmediate(task);
  };
  const relay = new Relay({ ...options, prng: randomPrng(), soon });
  return { relay, port: await relay.listen() };
}

function obey(relay: Relay, order: RelayThreadOrder, orders: ThreadPort): void {
  switch (order.kind) {
    case "attach":
      relay.attach(order.shard, order.port);
      return;
    case "expect":
      relay.expect(order.nodes);
      return;
    case "renewCredentials":
      relay.renewCredentials(order.credentials);
      return;
    case "close":
      void relay.close().then(() => orders.close());
      return;
  }
}
