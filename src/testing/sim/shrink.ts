/**
 * Makes a failing script smaller: takes lines away, in ever smaller pieces, and calms the world's
 * settings, as long as the same invariant still breaks (delta debugging, Zeller and Hildebrandt
 * 2002).
 */
import type { Script } from "./script.ts";

export type Fails = (script: Script) => Promise<boolean>;

export async function shrink(script: Script, fails: Fails, runsMax = 400): Promise<Script> {
  const shrinker = new Shrinker(fails, runsMax);
  let best = script;
  for (;;) {
    const before = best.actions.length + best.world.length;
    best = await shrinker.dropActions(best);
    best = await shrinker.calmWorld(best);
    if (shrinker.spent || best.actions.length + best.world.length === before) return best;
  }
}

class Shrinker {
  private runs = 0;
  private readonly fails: Fails;
  private readonly runsMax: number;

  constructor(fails: Fails, runsMax: number) {
    this.fails = fails;
    this.runsMax = runsMax;
  }

  get spent(): boolean {
    return this.runs >= this.runsMax;
  }

  async dropActions(script: Script): Promise<Script> {
    let best = script;
    for (
      let piece = Math.ceil(best.actions.length / 2);
      piece >= 1;
      piece = Math.floor(piece / 2)
    ) {
      for (let at = 0; at < best.actions.length && !this.spent; ) {
        const actions = [...best.actions.slice(0, at), ...best.actions.slice(at + piece)];
        const smaller = { ...best, actions };
        if (await this.stillFails(smaller)) best = smaller;
        else at += piece;
      }
    }
    return best;
  }

  /** A setting that is taken away falls back to its calm value; seed and size stay. */
  async calmWorld(script: Script): Promise<Script> {
    let best = script;
    for (const part of script.world.split(" ").slice(1)) {
      if (part.startsWith("seed=") || this.spent) continue;
      const world = best.world.replace(` ${part}`, "");
      const smaller = { ...best, world };
      if (await this.stillFails(smaller)) best = smaller;
    }
    return best;
  }

  private async stillFails(script: Script): Promise<boolean> {
    this.runs += 1;
    return await this.fails(script);
  }
}
