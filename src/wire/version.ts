/**
 * The versions of the protocol that this code speaks, both ends included. `PROTOCOL.md` says when
 * they change.
 */
export const protocolVersion = { min: 2, max: 2 } as const;

/**
 * First field of the first frame of a connection: whoever sends something else is not one of us.
 */
export const protocolMagic = "flotilla";

/** The version that both speak, or undefined where there is none. */
export function commonVersion(min: number, max: number): number | undefined {
  const version = Math.min(max, protocolVersion.max);
  return version >= Math.max(min, protocolVersion.min) ? version : undefined;
}
