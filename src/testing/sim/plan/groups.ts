/** Groups: created, some late or under trouble, stopped, started, and asked to campaign. */
import { pick } from "../settings.ts";
import { calmUs, shuffled } from "./draft.ts";
import type { Draft } from "./draft.ts";

export function drawGroups(draft: Draft): void {
  const { prng, nodes } = draft;
  const count = groupCount(draft);
  for (let group = 1; group <= count; group += 1) {
    const size = Math.min(nodes.length, pick(prng, [3, 3, 3, 5, 1, 2, 4, 4]));
    const members = shuffled(prng, nodes).slice(0, Math.max(size, 1));
    draft.groups.set(group, members);
    const late = prng.chance(0.1);
    const atUs = late ? draft.moment() : prng.between(20_000, calmUs);
    const timeout = pick(prng, [500, 5_000, 20_000]);
    draft.add(
      atUs,
      `create ${members[0]} ${group} members=${members.join(",")} timeout=${timeout}`,
    );
    // Another member creates the same group at the same time, as services do at their start.
    if (prng.chance(0.2)) {
      const rival = pick(prng, members);
      const names = shuffled(prng, members).join(",");
      draft.add(atUs + prng.between(0, 3_000), `create ${rival} ${group} members=${names}`);
    }
    // Tried again, by another member: after a failure under the same id, else refused.
    for (let again = 0; again < (late ? 2 : 1); again += 1) {
      const creator = pick(prng, members);
      const others = draft.temper.has() ? shuffled(prng, nodes).slice(0, size) : members;
      const named = others.includes(creator) ? others : members;
      draft.add(draft.moment(), `create ${creator} ${group} members=${named.join(",")}`);
    }
  }
}

/** Mostly few, so that they meet often; now and then as many as an engine hosts. */
function groupCount(draft: Draft): number {
  const { prng } = draft;
  if (prng.chance(0.001)) return 5_000;
  if (prng.chance(0.01)) return pick(prng, [200, 1_000]);
  return pick(prng, [1, 1, 1, 2, 3, 5, 8, 8, 20]);
}

/** Creations whose messages get lost, whose members crash, and that are tried again. */
export function drawCreations(draft: Draft): void {
  const { prng, nodes } = draft;
  for (let count = draft.some(5); count > 0; count -= 1) {
    const group = draft.groups.size + 1;
    const size = Math.min(nodes.length, pick(prng, [1, 2, 3, 3, 3]));
    const members = shuffled(prng, nodes).slice(0, size);
    draft.groups.set(group, members);
    const [creator = "a", other = creator] = members;
    const atUs = draft.moment();
    const names = `members=${members.join(",")}`;
    draft.add(atUs, `create ${creator} ${group} ${names} timeout=${pick(prng, [100, 1_000])}`);
    if (prng.chance(0.5)) {
      const rival = pick(prng, members);
      draft.add(atUs + prng.between(0, 3_000), `create ${rival} ${group} ${names} timeout=1000`);
    }
    const trouble = pick(prng, [
      `isolate ${creator}`,
      `isolate ${creator} in`,
      `isolate ${other}`,
      `crash ${creator}`,
      `crash ${other} power`,
      `stall-disk ${other}`,
    ]);
    draft.add(atUs + prng.between(0, 3_000), `${trouble} for=${draft.duration()}`);
    for (let again = prng.between(1, 4); again > 0; again -= 1) {
      const laterUs = atUs + draft.duration() + 200_000;
      draft.add(laterUs, `create ${pick(prng, members)} ${group} ${names} timeout=1000`);
    }
  }
}

export function drawGroupLife(draft: Draft): void {
  const { prng } = draft;
  for (let count = draft.some(4); count > 0; count -= 1) {
    const group = draft.busyGroup();
    const node = pick(prng, draft.groups.get(group) ?? []);
    const atUs = draft.moment();
    draft.add(atUs, `stop ${prng.chance(0.5) ? `leader:${group}` : node} ${group}`);
    draft.add(atUs + draft.duration(), `start ${node} ${group}`);
  }
  for (let count = draft.some(6); count > 0; count -= 1) {
    const force = prng.chance(0.5) ? " force" : "";
    draft.add(draft.moment(), `campaign ${draft.node()} ${draft.busyGroup()}${force}`);
  }
  for (let count = draft.some(6); count > 0; count -= 1) {
    draft.add(draft.moment(), `resign ${draft.node()} ${draft.busyGroup()}`);
  }
}
