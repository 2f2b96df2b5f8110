/** What clients ask, of whom and when. */
import { pick } from "../settings.ts";
import { calmUs } from "./draft.ts";
import type { Draft } from "./draft.ts";

export function drawCalls(draft: Draft): void {
  const { prng } = draft;
  const count = pick(prng, [20, 100, 200, 400]);
  const bursts = draft.temper.rate([0.01, 0.05]);
  const batches = draft.temper.rate([0.05, 0.3]);
  const pads = draft.temper.rate([0.05, 0.3]);
  const poison = draft.settings.options.applyError === "result" ? draft.temper.rate([0.01]) : 0;
  const { drawer } = draft;
  for (let call = 0; call < count; call += 1) {
    const group = draft.busyGroup();
    const node = prng.chance(0.97) ? pick(prng, draft.groups.get(group) ?? []) : draft.node();
    const key = draft.key();
    const head = `${node} ${group} ${key}`;
    const forward = prng.chance(0.8) ? " forward" : "";
    const timeout = prng.chance(0.2) ? ` timeout=${pick(prng, [1, 30, 300, 10_000])}` : "";
    const tail = `${forward}${timeout}`;
    const pad = prng.chance(pads)
      ? ` pad=${pick(prng, [20, 500, 500, 20_000, prng.chance(0.1) ? 2_000_000 : 100_000])}`
      : "";
    const atUs = prng.between(calmUs / 2, draft.endUs);
    if (drawer !== undefined) {
      const times = prng.chance(bursts) ? prng.between(2, 60) : 1;
      for (let time = 0; time < times; time += 1) {
        draft.add(atUs, `${drawer.draw(`${node} ${group}`)}${tail}`);
      }
    } else if (prng.chance(poison)) draft.add(atUs, `poison ${node} ${group}`);
    else if (prng.chance(bursts)) {
      const size = prng.between(2, 60);
      draft.add(atUs, `burst ${head} ${draft.take(size)} count=${size}${pad}${tail}`);
    } else if (prng.chance(batches)) {
      const size = prng.between(2, 12);
      draft.add(atUs, `batch ${head} ${draft.take(size)} count=${size}${pad}${tail}`);
    } else if (prng.chance(0.35)) draft.add(atUs, `get ${head}${tail}`);
    else if (prng.chance(0.1)) draft.add(atUs, `local ${head}`);
    else if (prng.chance(0.15)) {
      const expected = prng.between(Math.max(0, draft.nextValue - 20), draft.nextValue);
      draft.add(atUs, `cas ${head} ${expected} ${draft.take(1)}${tail}`);
    } else draft.add(atUs, `put ${head} ${draft.take(1)}${pad}${tail}`);
  }
}

/**
 * A leader that is cut off, and whoever takes its place: both are written to and read from for as
 * long as both believe that they lead.
 */
export function drawDuels(draft: Draft): void {
  const { prng, drawer } = draft;
  for (let count = draft.some(5); count > 0; count -= 1) {
    const group = draft.busyGroup();
    const atUs = draft.moment();
    const forUs = Math.floor(draft.electionUs * pick(prng, [1, 2, 2, 4]));
    const way = pick(prng, ["", "", " in", " out"]);
    draft.add(atUs, `isolate leader:${group} for=${forUs}${way}`);
    const key = draft.key();
    for (let call = prng.between(5, 30); call > 0; call -= 1) {
      const member = pick(prng, draft.groups.get(group) ?? []);
      const node = prng.chance(0.7) ? `leader:${group}` : member;
      const when = prng.between(atUs, atUs + forUs + draft.electionUs);
      if (drawer !== undefined) draft.add(when, `${drawer.draw(`${node} ${group}`)} forward`);
      else if (prng.chance(0.4))
        draft.add(when, `put ${node} ${group} ${key} ${draft.take(1)} forward`);
      else draft.add(when, `get ${node} ${group} ${key} forward`);
    }
    if (prng.chance(0.3)) {
      const power = prng.chance(0.5) ? " power" : "";
      draft.add(atUs + forUs, `crash leader:${group}${power} for=${draft.duration()}`);
    }
  }
}

/** A member that raises its term where nobody hears it, and comes back with it. */
export function drawExiles(draft: Draft): void {
  for (let count = draft.some(3); count > 0; count -= 1) {
    const group = draft.busyGroup();
    const node = pick(draft.prng, draft.groups.get(group) ?? draft.nodes);
    const atUs = draft.moment();
    const forUs = draft.electionUs;
    draft.add(atUs, `isolate ${node} for=${forUs}`);
    draft.add(atUs + forUs / 2, `campaign ${node} ${group} force`);
  }
}
