/**
 * Which groups each node but the victim calls when group g is led by node number g % nodes: those
 * that it leads, and its share of the victim's.
 */
export function callersOf(
  groups: number,
  nodes: readonly string[],
  victim: string,
): ReadonlyMap<string, readonly number[]> {
  const survivors = nodes.filter((name) => name !== victim);
  const callers = new Map(survivors.map((name): [string, number[]] => [name, []]));
  for (let group = 0; group < groups; group += 1) {
    const leader = nodes[group % nodes.length] ?? "";
    const turn = Math.floor(group / nodes.length);
    const caller = leader === victim ? (survivors[turn % survivors.length] ?? "") : leader;
    callers.get(caller)?.push(group);
  }
  return callers;
}
