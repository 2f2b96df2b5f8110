/**
 * Random calls while links break and nodes die. Afterwards all replicas are equal, what was
 * acknowledged is there once, in order, and what was said to have no effect is not there.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/index.ts";
import type { NodeId } from "../../src/base/index.ts";
import type { Call } from "./shard-client.ts";
import { ShardCluster } from "./shard-cluster.ts";

const group = 1;
const firstSeed = Number(process.env["FLOTILLA_SEED"] ?? 1);

class Trial {
  readonly calls: { readonly call: Call; readonly command: string }[] = [];
  private readonly cluster: ShardCluster;
  private readonly prng: Prng;
  private down: NodeId | undefined;
  private next = 0;

  constructor(cluster: ShardCluster, prng: Prng) {
    this.cluster = cluster;
    this.prng = prng;
  }

  async step(): Promise<void> {
    const { cluster, prng } = this;
    const [a, b] = [this.pick(), this.pick()];
    const chance = prng.between(0, 100);
    if (chance < 60) this.call(a);
    else if (chance < 68) await cluster.run();
    else if (chance < 80) await cluster.tick(prng.between(1, 6));
    else if (chance < 88 && a !== b) cluster.network.cut(a, b);
    else if (chance < 95 && a !== b) cluster.network.heal(a, b);
    else if (this.down !== undefined) await this.revive();
    else {
      this.down = a;
      await cluster.crash(a);
    }
  }

  async rest(): Promise<void> {
    await this.revive();
    for (const node of this.cluster.nodes) await this.cluster.rejoin(node);
    await this.cluster.awaitLeader(group);
    await this.cluster.tick(120);
  }

  private call(node: NodeId): void {
    if (node === this.down) return;
    const client = this.cluster.client(node, group);
    if (this.prng.chance(0.2)) {
      client.read(group, "", { forward: true });
      return;
    }
    const command = `c${this.next}`;
    this.next += 1;
    this.calls.push({ call: client.propose(group, command, { forward: true }), command });
  }

  private async revive(): Promise<void> {
    if (this.down === undefined) return;
    const node = this.down;
    this.down = undefined;
    await this.cluster.restart(node);
  }

  private pick(): NodeId {
    const { nodes } = this.cluster;
    return nodes[this.prng.between(0, nodes.length)] ?? "a";
  }
}

test("random faults lose nothing acknowledged and bring about nothing refused", async () => {
  let acknowledged = 0;
  for (let seed = firstSeed; seed < firstSeed + 30; seed += 1) {
    const repeat = `seed ${seed}: npm test -- --only random-faults --seed ${seed}`;
    const cluster = await ShardCluster.start({ seed });
    await cluster.createGroup("a", group);
    const trial = new Trial(cluster, new Prng(seed));
    for (let step = 0; step < 150; step += 1) await trial.step();
    await trial.rest();
    const digests = new Set<string | undefined>();
    for (const node of cluster.nodes) digests.add(await cluster.digest(node, group));
    assert.equal(digests.size, 1, `replicas are equal (${repeat})`);
    const commands = ([...digests][0] ?? "").split(",");
    assert.equal(new Set(commands).size, commands.length, `nothing is applied twice (${repeat})`);
    for (const { call, command } of trial.calls) {
      const at = commands.indexOf(command);
      if (call.error?.outcome === "none") {
        assert.equal(at, -1, `${command} had no effect: ${call.error.code} (${repeat})`);
      } else if (call.applied.length > 0) {
        acknowledged += 1;
        assert.deepEqual(call.results(), [`${at + 1}`], `${command} stands (${repeat})`);
      }
    }
    await cluster.close();
  }
  assert.ok(acknowledged > 500, `${acknowledged} calls were acknowledged`);
});
