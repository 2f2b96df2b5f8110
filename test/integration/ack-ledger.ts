/**
 * What was acknowledged, kept outside the processes that are killed. A write counts when its
 * acknowledgement has arrived here; what the ledger holds must be found on every replica.
 */
import type { Ack, KeyOfGroup, StoredRecord } from "./fixtures/node-protocol.ts";
import { attemptOfValue } from "./fixtures/node-protocol.ts";

interface KeyHistory extends KeyOfGroup {
  acknowledged: number;
  lastVersion: number;
  lastAttempt: number;
}

export class AckLedger {
  /** Acknowledgements received. */
  count = 0;
  /** Everything that was received and must never be, as text. */
  readonly faults: string[] = [];
  private readonly histories = new Map<string, KeyHistory>();
  /** The node that acknowledged writes of a group in a term. */
  private readonly leaders = new Map<string, string>();
  private waiting: { count: number; resume: () => void }[] = [];

  take(node: string, acks: readonly Ack[]): void {
    for (const ack of acks) this.takeOne(node, ack);
    this.waiting = this.waiting.filter(({ count, resume }) => {
      if (this.count < count) return true;
      resume();
      return false;
    });
  }

  private takeOne(node: string, { group, key, attempt, version, term }: Ack): void {
    this.count += 1;
    const leader = this.leaders.get(`${group} ${term}`) ?? node;
    this.leaders.set(`${group} ${term}`, leader);
    if (leader !== node) {
      this.faults.push(`${leader} and ${node} acknowledged in term ${term} of group ${group}`);
    }
    const name = `${group} ${key}`;
    const history = this.histories.get(name) ?? {
      group,
      key,
      acknowledged: 0,
      lastVersion: 0,
      lastAttempt: 0,
    };
    this.histories.set(name, history);
    if (version <= history.lastVersion) {
      this.faults.push(`${name}: version ${version} after ${history.lastVersion}`);
    }
    if (version > attempt) {
      this.faults.push(`${name}: attempt ${attempt} made version ${version}: one applied twice`);
    }
    history.acknowledged += 1;
    history.lastVersion = version;
    history.lastAttempt = attempt;
  }

  /** Resolves when `more` further acknowledgements have arrived. */
  async more(more: number): Promise<void> {
    await new Promise<void>((resume) => {
      this.waiting.push({ count: this.count + more, resume });
    });
  }

  keys(): KeyOfGroup[] {
    return [...this.histories.values()].map(({ group, key }) => ({ group, key }));
  }

  /** Compares what replicas hold, in the order of `keys()`, with what was acknowledged. */
  findLosses(records: readonly (StoredRecord | null)[]): string[] {
    return [...this.histories.values()].flatMap((history, at) => {
      const fault = lossOf(history, records[at] ?? null);
      return fault === undefined ? [] : [`${history.group} ${history.key} ${fault}`];
    });
  }
}

function lossOf(history: KeyHistory, record: StoredRecord | null): string | undefined {
  const { acknowledged, lastVersion, lastAttempt } = history;
  if (record === null) return `is gone; ${acknowledged} writes were acknowledged`;
  const attempt = attemptOfValue(record.value);
  const { version } = record;
  if (version < lastVersion || version < acknowledged || attempt < lastAttempt) {
    return `has version ${version} of attempt ${attempt}; acknowledged was ${lastVersion} of ${lastAttempt}`;
  }
  // With nothing between them, the last acknowledged write and this one are the same.
  const doubled = attempt === lastAttempt ? version !== lastVersion : version > attempt;
  return doubled
    ? `has version ${version} after ${attempt} attempts: one applied twice`
    : undefined;
}
