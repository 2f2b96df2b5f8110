import { encodeCbor, simulate } from "flotilla/testing";
import { createStateMachine, createWrongMachine } from "./leases.js";

// What clients ask, drawn from the seed. Machines of defineStateMachine take CBOR.
function workload(random) {
  const name = random.pick(["lock", "leader"]);
  if (random.chance(0.3)) return { query: encodeCbor(name) };
  const holder = random.pick(["ann", "bob", "eve"]);
  return { command: encodeCbor({ name, holder, forMs: random.between(1, 1000) }) };
}

// Clusters that crash, pause, and lose messages or power: each seed is another run.
const wrong = await simulate({ stateMachine: createWrongMachine, workload, shrinkRunsMax: 100 });
const [failure] = wrong.failures;
if (failure === undefined) throw new Error("the wrong machine was not found out");
console.log(`seed ${failure.seed} breaks ${failure.invariant}: ${failure.message}`);
console.log(`shrunk from ${failure.actionsDrawn} actions; ${failure.repeat} or this script:`);
console.log(failure.script);

const right = await simulate({ stateMachine: createStateMachine, workload, seeds: 10 });
if (right.failures.length > 0) throw new Error(right.failures[0].message);
console.log(`the right machine holds in ${right.seeds} seeds, ${right.events} events`);
