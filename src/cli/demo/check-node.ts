/**
 * Checks one node's replicas against what clients were promised. Every put raises its key's version
 * by one, and each key has one client, so the version counts the writes that are there:
 *
 *     acknowledged <= version <= acknowledged + unknown
 *
 * and the version is never below the newest one that was acknowledged.
 */
import type { Engine } from "../../engine/index.ts";
import { decodeGetAnswer, encodeGet } from "../../service/index.ts";
import { clientKey, clientsPerGroup, slotOf } from "./demo-options.ts";
import type { DemoOptions, LifeRecord } from "./demo-options.ts";
import type { CheckResult, Positions } from "./messages.ts";

const samplesMax = 5;
/** Groups looked at together, well within the engine's bound of calls. */
const groupsAtOnce = 64;

interface Findings {
  keys: number;
  readonly samples: string[];
}

export async function checkNode(
  engine: Engine,
  options: DemoOptions,
  lives: readonly LifeRecord[],
): Promise<CheckResult> {
  const findings: Findings = { keys: 0, samples: [] };
  const digests: string[] = [];
  const applied: number[] = [];
  for (let first = 0; first < options.groups; first += groupsAtOnce) {
    const end = Math.min(first + groupsAtOnce, options.groups);
    const groups = Array.from({ length: end - first }, (_, offset) => first + offset);
    await Promise.all(
      groups.map(async (group) => {
        const { digest, appliedIndex } = await engine.digest(group);
        digests[group] = digest ?? "";
        applied[group] = appliedIndex;
        for (const life of lives) await checkGroup(engine, options, { group, life, findings });
      }),
    );
  }
  return { ...findings, digests, applied };
}

async function checkGroup(
  engine: Engine,
  options: DemoOptions,
  { group, life, findings }: { group: number; life: LifeRecord; findings: Findings },
): Promise<void> {
  const clients = Array.from({ length: clientsPerGroup(options) }, (_, client) => client);
  await Promise.all(
    clients.map(async (client) => {
      const slot = slotOf(options, group, client);
      const acknowledged = life.acknowledged[slot] ?? 0;
      const unknown = life.unknown[slot] ?? 0;
      if (acknowledged + unknown === 0) return;
      const key = clientKey(life.node, life.life, client);
      const { value } = await engine.readLocal(group, encodeGet(key));
      const version = decodeGetAnswer(value)?.version ?? 0;
      findings.keys += 1;
      const least = Math.max(acknowledged, life.versions[slot] ?? 0);
      if (version >= least && version <= acknowledged + unknown) return;
      if (findings.samples.length >= samplesMax) return;
      findings.samples.push(
        `${engine.node} group ${group} key ${key}: version ${version}, acknowledged ${acknowledged} ` +
          `(newest version ${life.versions[slot] ?? 0}), unknown ${unknown}`,
      );
    }),
  );
}

/** Where each replica of this node stands. */
export async function positionsOf(engine: Engine, groups: number): Promise<Positions> {
  const last = new Float64Array(groups);
  const commit = new Float64Array(groups);
  const applied = new Float64Array(groups);
  for (let first = 0; first < groups; first += 512) {
    const count = Math.min(512, groups - first);
    const statuses = await Promise.all(
      Array.from({ length: count }, (_, offset) => engine.status(first + offset)),
    );
    for (const status of statuses) {
      last[status.group] = status.lastIndex;
      commit[status.group] = status.commitIndex;
      applied[status.group] = status.appliedIndex;
    }
  }
  return { last, commit, applied };
}
