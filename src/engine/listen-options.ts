/** Where a node listens, and where it tells others that it is reached. */
import { hostname } from "node:os";
import { describeValue, isRecord, optionError } from "../base/index.ts";
import type { OptionFault } from "../base/index.ts";
import {
  describeHostFault,
  describeRemoteHostFault,
  formatAddress,
  isWildcard,
} from "../transport/index.ts";
import type { EngineOptions, EngineTuning, ResolvedOptions } from "./options.ts";

type Places = Pick<EngineOptions, "listen" | "advertise">;

function isPort(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535;
}

export function listenFaults({
  listen,
  advertise,
}: {
  readonly listen?: unknown;
  readonly advertise?: unknown;
}): OptionFault[] {
  const faults: OptionFault[] = [];
  const fault = (message: string): number => faults.push({ option: "listen", message });
  if (!isRecord(listen)) {
    fault("must be an object with host and port");
    return faults;
  }
  const { host, port, shardPorts = [], ...others } = listen;
  const why = describeHostFault(host);
  if (why !== undefined) fault(`needs a host, got ${describeValue(host)}: ${why}`);
  if (!isPort(port)) fault(`needs a port from 0 to 65535, got ${describeValue(port)}`);
  if (!Array.isArray(shardPorts) || !shardPorts.every(isPort)) {
    fault("has shardPorts that are not ports");
  }
  for (const name of Object.keys(others)) fault(`has no setting ${name}`);
  return advertise === undefined ? faults : [...faults, ...advertiseFaults(advertise)];
}

function advertiseFaults(advertise: unknown): OptionFault[] {
  const faults: OptionFault[] = [];
  const fault = (message: string): number => faults.push({ option: "advertise", message });
  if (!isRecord(advertise)) {
    fault("must be an object with host, port or shardPorts");
    return faults;
  }
  const { host, port, shardPorts = [], ...others } = advertise;
  if (host !== undefined) {
    const why = describeRemoteHostFault(host);
    if (why !== undefined) fault(`has the host ${describeValue(host)}, which is none: ${why}`);
  }
  const isReal = (value: unknown): boolean => isPort(value) && value !== 0;
  if (port !== undefined && !isReal(port)) {
    fault(`needs a port from 1 to 65535, got ${describeValue(port)}`);
  }
  if (!Array.isArray(shardPorts) || !shardPorts.every(isReal)) {
    fault("has shardPorts that are not ports from 1 to 65535");
  }
  for (const name of Object.keys(others)) fault(`has no setting ${name}`);
  return faults;
}

/**
 * Whether the ports fit the number of shards: too few would be chosen by the system, behind a
 * firewall that knows nothing of them.
 * @throws ERR_OPTION_INVALID
 */
export function checkShardPorts(
  { listen, advertise }: Places,
  { shards, ports: kind }: Pick<EngineTuning, "shards" | "ports">,
): void {
  const faults: string[] = [];
  const check = (name: string, ports: readonly number[] | undefined): void => {
    if (ports === undefined) return;
    if (kind === "one") faults.push(`${name} has shardPorts, but with ports "one" there are none`);
    if (kind === "one" || ports.length === shards - 1) return;
    const count = `${ports.length} shardPorts`;
    faults.push(`${name} has ${count}; ${shards} shards need ${shards - 1}, from shard 1 on`);
  };
  check("listen", listen.shardPorts);
  check("advertise", advertise?.shardPorts);
  const chosen = [listen.port, ...(listen.shardPorts ?? [])].filter((port) => port !== 0);
  if (new Set(chosen).size < chosen.length) faults.push("listen names one port twice");
  if (faults.length > 0) throw optionError(faults);
}

/** Where peers reach shard 0 of a node, which has bound `port` if it is up. */
export function advertisedAddress({ listen, advertise }: Places, port: number | undefined): string {
  const host = advertise?.host ?? (isWildcard(listen.host) ? hostname() : listen.host);
  return formatAddress({ host, port: advertise?.port ?? port ?? listen.port });
}

/** The ports that peers are told, by shard; 0 for a shard that is down. */
export function advertisedPorts(
  { identity: { advertise }, tuning }: Pick<ResolvedOptions, "identity" | "tuning">,
  bound: readonly (number | undefined)[],
): number[] {
  return bound.map((port, shard) => {
    if (port === undefined) return 0;
    const isShared = shard === 0 || tuning.ports === "one";
    const told = isShared ? advertise?.port : advertise?.shardPorts?.[shard - 1];
    return told ?? port;
  });
}
