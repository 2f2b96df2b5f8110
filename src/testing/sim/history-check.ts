import type { World } from "./world.ts";

export function checkHistory(_world: World): void {
  // filled in below
}
