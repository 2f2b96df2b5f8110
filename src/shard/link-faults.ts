/** Why nodes cannot be reached, for the errors that come of it. */
import type { NodeId } from "../base/index.ts";
import type { ShardContext } from "./context.ts";
import type { Replica } from "./replica.ts";

/** To be appended to a message; empty if nothing is known against the node. */
export function describeFault({ environment }: ShardContext, node: NodeId): string {
  const fault = environment.transport.faultOf(node);
  return fault === undefined ? "" : `: ${fault.text}`;
}

/** Of each member of a group that cannot be reached, why; undefined if all can. */
export function memberFaults(
  { environment, nodes }: ShardContext,
  { incarnations }: Replica,
): Readonly<Record<NodeId, string>> | undefined {
  let faults: Record<NodeId, string> | undefined;
  for (const key of incarnations.keys) {
    if (key === nodes.self) continue;
    const node = nodes.idOf(key);
    const fault = environment.transport.faultOf(node);
    if (fault === undefined) continue;
    faults ??= {};
    faults[node] = fault.text;
  }
  return faults;
}

/** To be appended to a message. */
export function describeFaults(faults: Readonly<Record<NodeId, string>> | undefined): string {
  const each = Object.entries(faults ?? {}).map(([node, text]) => `${node} at ${text}`);
  return each.length === 0 ? "" : `; not reached: ${each.join("; ")}`;
}
