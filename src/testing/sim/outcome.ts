/** What came of a run, as text: the verdict, then what became of replicas, calls and faults. */
import type { GroupId } from "../../base/index.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import type { World } from "./world.ts";

export interface Broken {
  /** The check's name; "crash" where the engine threw, "check" where the user's own check did. */
  readonly invariant: string;
  readonly message: string;
}

/** How a run ended, beside what the world shows. */
export interface RunEnd {
  readonly broken: Broken | undefined;
  /** Operations of the script; those behind them are probes. */
  readonly asked: number;
  readonly healed: readonly SimulatedNode[];
}

/** Requests to shards whose answers are part of the outcome. */
const controlPattern = /^(?:createGroup|startGroup|stopGroup|campaign|resign): /;

export function describeOutcome(world: World, end: RunEnd): string {
  const { broken } = end;
  if (broken !== undefined) return `${broken.invariant}: ${broken.message}`;
  return ["ok", ...describeReplicas(world, end), ...describeCalls(world, end)].join("\n");
}

function describeReplicas(world: World, { healed }: RunEnd): string[] {
  return [...world.members].flatMap(([group, members]) =>
    members.flatMap((id) => {
      const node = world.node(id);
      if (node === undefined) return [];
      return `group ${group} on ${id}: ${describeReplica(world, node, healed.includes(node), group)}`;
    }),
  );
}

function describeReplica(
  { disabled }: World,
  node: SimulatedNode,
  isHealed: boolean,
  group: GroupId,
): string {
  const reason = disabled.get(`${node.id} ${group}`);
  if (reason !== undefined) return `disabled: ${reason}`;
  if (node.broken) return "its disk is damaged";
  if (!isHealed) return "left as it was";
  const replica = node.slotOf(group)?.shard.replicas.get(group);
  if (replica === undefined) return "no replica";
  return replica.running ? "runs" : replica.descriptor.state;
}

function describeCalls({ history, tally }: World, { asked }: RunEnd): string[] {
  const calls = new Map<string, number>();
  for (const { kind, outcome } of history.operations.slice(0, asked)) {
    const name = `${kind} ${outcome === "pending" ? "unknown" : outcome}`;
    calls.set(name, (calls.get(name) ?? 0) + 1);
  }
  const requests = [...tally.counts].filter(([name]) => controlPattern.test(name));
  const lines = (counts: Iterable<[string, number]>): string[] =>
    [...counts].map(([name, count]) => `${name} (${count})`).sort();
  const faults = [...tally.faults.keys()].sort().map((name) => `fault: ${name}`);
  return [...lines(calls), ...lines(requests), ...faults];
}
