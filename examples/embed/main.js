import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine, RaftError, typedGroup } from "flotilla";

const members = ["n1", "n2", "n3"];
const base = await mkdtemp(join(tmpdir(), "flotilla-embed-"));

// Three nodes. In production each is a process on a machine of its own, with a fixed port and address book.
const engines = await Promise.all(
  members.map((node) =>
    Engine.open({
      cluster: "example",
      node,
      dir: join(base, node),
      listen: { host: "127.0.0.1", port: 0 },
      stateMachine: new URL("./counter.js", import.meta.url),
      shards: 1,
    }),
  ),
);
const addresses = Object.fromEntries(engines.map(({ node, address }) => [node, address]));
await Promise.all(engines.map((engine) => engine.setPeers(addresses)));
const [first, second] = engines;

// One call creates the group on its three members. A node may hold thousands.
await first.createGroup({ group: 7, members });
const { leader, term } = await first.awaitLeader(7);
console.log(`group 7 is led by ${leader} in term ${term}`);

// Resolves when the command is on the disks of a majority and applied here.
const visits = typedGroup(first, 7);
const { index, result } = await visits.propose({ name: "visits", by: 41 });
console.log(`entry ${index} made it ${result}`);

// A follower says who leads, or passes the command on.
try {
  await typedGroup(second, 7).propose({ name: "visits", by: 1 });
} catch (error) {
  if (!(error instanceof RaftError)) throw error;
  console.log(`${error.code}: ask ${error.details.leader}; outcome ${error.outcome}`);
}
await typedGroup(second, 7).propose({ name: "visits", by: 1 }, { forward: true });

// Linearizable: sees every acknowledged write. Needs no log entry and no flush.
const { answer } = await visits.read("visits");
console.log(`visits: ${answer}`);

await Promise.all(engines.map((engine) => engine.close()));
await rm(base, { recursive: true, force: true });
