import { defineStateMachine } from "flotilla";

// Leases: whoever holds a name keeps it for a while. The machines differ in whose time they take.
const leases = (timeOf) =>
  defineStateMachine({
    init: () => new Map(),
    apply(holders, { name, holder, forMs }, meta) {
      const now = timeOf(meta);
      const lease = holders.get(name);
      if (lease !== undefined && lease.untilMs > now && lease.holder !== holder) return lease;
      const taken = { holder, untilMs: now + forMs };
      holders.set(name, taken);
      return taken;
    },
    query: (holders, name) => holders.get(name)?.holder,
    digest: (holders) => JSON.stringify([...holders]),
  });

/** Wrong: every replica asks its own clock, and asks again when a restart applies the log again. */
export const createWrongMachine = leases(() => Date.now());

/** Right: an entry's time is the same on every replica, for ever. */
export const createStateMachine = leases(({ timeMs }) => timeMs);
