/** What goes wrong: processes, network, disks. */
import type { NodeId } from "../../../base/index.ts";
import { pick, shardsOf } from "../settings.ts";
import { shuffled } from "./draft.ts";
import type { Draft } from "./draft.ts";

export function drawProcesses(draft: Draft): void {
  const { prng } = draft;
  const powered = draft.temper.has();
  for (let count = draft.some(8); count > 0; count -= 1) {
    const power = powered && prng.chance(0.5) ? " power" : "";
    const atUs = draft.moment();
    const writing = prng.chance(0.5) ? " writing" : "";
    if (prng.chance(0.4)) {
      const leader = `leader:${draft.busyGroup()}`;
      draft.add(atUs, `crash ${leader}${power}${writing} for=${draft.duration()}`);
      continue;
    }
    const node = draft.node();
    draft.add(atUs, `crash ${node}${power}${writing}`);
    const bootUs = atUs + draft.duration();
    draft.add(bootUs, `boot ${node}`);
    // Sometimes while it opens.
    if (prng.chance(0.2)) {
      const againUs = bootUs + prng.between(1, 3_000);
      draft.add(againUs, `crash ${node}${power}`);
      draft.add(againUs + draft.duration(), `boot ${node}`);
    }
  }
  for (let count = draft.some(2); count > 0; count -= 1) {
    const power = powered && prng.chance(0.5) ? " power" : "";
    draft.add(draft.moment(), `crash-all${power} for=${draft.duration()}`);
  }
  for (let count = draft.some(3); count > 0; count -= 1) {
    const node = draft.node();
    const shards = shardsOf(draft.settings, draft.nodes.indexOf(node));
    draft.add(draft.moment(), `crash-shard ${node} ${prng.between(0, shards)}`);
    draft.add(
      draft.moment(),
      `stall-shard ${node} ${prng.between(0, shards)} for=${draft.duration()}`,
    );
  }
  for (let count = draft.some(4); count > 0; count -= 1) {
    draft.add(draft.moment(), `pause ${draft.node()} for=${draft.duration()}`);
  }
  for (let count = draft.some(4); count > 0; count -= 1) {
    const step = prng.between(-10_000_000, 10_000_000);
    draft.add(draft.moment(), `clock ${draft.node()} step=${step}`);
  }
  for (let count = draft.some(4); count > 0; count -= 1) {
    draft.add(draft.moment(), `stall-engine ${draft.node()} for=${draft.duration()}`);
  }
}

export function drawNetwork(draft: Draft): void {
  const { prng } = draft;
  const between = (count: number, text: (a: NodeId, b: NodeId) => string): void => {
    for (let left = count; left > 0; left -= 1) {
      const two = draft.twoNodes();
      if (two !== undefined) draft.add(draft.moment(), text(...two));
    }
  };
  between(draft.some(6), (a, b) => `cut ${a} ${b} for=${draft.duration()}`);
  between(draft.some(6), (a, b) => `reset ${a} ${b}`);
  between(draft.some(6), (a, b) => `block ${a} ${b} for=${draft.duration()}`);
  between(draft.some(4), (a, b) => {
    return `clog ${a} ${b} ${pick(prng, ["control", "data"])} for=${draft.duration()}`;
  });
  for (let count = draft.some(5); count > 0; count -= 1) drawPartition(draft, draft.moment());
  if (draft.temper.has()) {
    // Flapping: on and off, faster than an election takes.
    const two = draft.twoNodes();
    const fromUs = draft.moment();
    for (let turn = 0; two !== undefined && turn < 10; turn += 1) {
      const forUs = Math.floor(draft.electionUs / 3);
      draft.add(fromUs + turn * 2 * forUs, `cut ${two[0]} ${two[1]} for=${forUs}`);
    }
  }
}

/** Nodes that move, or leave the address books, some of them for being dead soon. */
export function drawAddresses(draft: Draft): void {
  const { prng } = draft;
  for (let count = draft.some(3); count > 0; count -= 1) {
    draft.add(draft.moment(), `move ${draft.node()} for=${draft.duration()}`);
  }
  for (let count = draft.some(3); count > 0; count -= 1) {
    const node = prng.chance(0.5) ? draft.node() : `leader:${draft.busyGroup()}`;
    const atUs = draft.moment();
    draft.add(atUs, `forget ${node} for=${draft.duration()}`);
    if (!prng.chance(0.5)) continue;
    draft.add(atUs + draft.electionUs / 2, `crash ${node} power for=${draft.duration()}`);
  }
}

/** Links that are dead while they are called up, for as long as probes take to find that out. */
export function drawHangs(draft: Draft): void {
  const { prng, electionUs } = draft;
  for (let count = draft.some(4); count > 0; count -= 1) {
    const two = draft.twoNodes();
    if (two === undefined) return;
    const atUs = draft.moment();
    const [a, b] = two;
    const silenceUs = 2 * electionUs;
    const foundUs = (): number => silenceUs + prng.between(0, Math.ceil(silenceUs / 4));
    draft.add(atUs, `hang ${a} ${b} for=${foundUs()}`);
    if (prng.chance(0.5)) draft.add(atUs, `hang ${b} ${a} for=${foundUs()}`);
  }
}

function drawPartition(draft: Draft, atUs: number): void {
  const { prng } = draft;
  const mixed = shuffled(prng, draft.nodes);
  if (mixed.length < 2) return;
  const split = prng.between(1, mixed.length);
  const left = mixed.slice(0, split);
  const right = mixed.slice(split);
  const bridge = prng.chance(0.3) ? left.slice(0, 1) : [];
  const sides = [left.join(""), [...right, ...bridge].join("")];
  draft.add(atUs, `partition sides=${sides.join(",")} for=${draft.duration()}`);
}

export function drawDisks(draft: Draft): void {
  const { prng, doomed } = draft;
  for (let count = draft.some(3); count > 0; count -= 1) {
    const forever = prng.chance(0.2) ? "forever" : String(draft.duration());
    draft.add(draft.moment(), `stall-disk ${draft.node()} for=${forever}`);
  }
  for (let count = draft.some(2); count > 0; count -= 1) {
    draft.add(draft.moment(), `fill-disk ${draft.node()} for=${draft.duration()}`);
  }
  for (let count = draft.some(3); count > 0; count -= 1) {
    const node = prng.chance(0.5) ? draft.node() : `leader:${draft.busyGroup()}`;
    draft.add(draft.moment(), `bound-log ${node} for=${draft.duration()}`);
  }
  for (let count = draft.some(2); count > 0; count -= 1) {
    const node = draft.node();
    const atUs = draft.moment();
    draft.add(atUs, `save-image ${node}`);
    const backUs = atUs + draft.duration();
    draft.add(backUs, `restore-image ${node}`);
    draft.add(backUs + draft.duration(), `boot ${node}`);
  }
  for (const node of doomed) {
    const damage = pick(prng, ["rot", "tear", "lose-disk"]);
    for (let count = draft.some(2); count > 0; count -= 1) {
      const atUs = draft.moment();
      const what = damage === "rot" && prng.chance(0.7) ? " entry" : "";
      draft.add(atUs, `${damage} ${node}${what}`);
      draft.add(atUs + 1, `crash ${node}`);
      draft.add(atUs + draft.duration(), `boot ${node}`);
    }
  }
}

export function drawClosings(draft: Draft): void {
  for (let count = draft.some(4); count > 0; count -= 1) {
    const node = draft.prng.chance(0.5) ? `leader:${draft.busyGroup()}` : draft.node();
    draft.add(draft.moment(), `close ${node} for=${draft.duration()}`);
  }
}
