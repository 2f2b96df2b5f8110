/** What the clients of a run asked and were told, for the checkers and for export. */
import type { ErrorCode, GroupId, Incarnation, Index, NodeId } from "../../base/index.ts";
import type { Agenda } from "./agenda.ts";

export type OperationKind = "put" | "cas" | "get" | "local" | "command" | "query" | "localQuery";

/** One operation of a client. Times are in simulated µs. */
export interface Recorded {
  readonly id: number;
  readonly node: NodeId;
  /** Counts the state machines that this node has made for the group. */
  life: number;
  readonly group: GroupId;
  /**
   * Which group of that id, as the calling node's disk knows it: one whose disks are lost, or whose
   * creation failed, may be created again.
   */
  birth: Incarnation;
  readonly kind: OperationKind;
  readonly key: string;
  readonly arguments: readonly string[];
  readonly callUs: number;
  /** Undefined while nobody has answered. */
  returnUs: number | undefined;
  /** `none`: refused, surely without effect. `unknown`: nobody can tell. */
  outcome: "pending" | "ok" | "none" | "unknown";
  /** Of the error that was the answer. */
  code: ErrorCode | undefined;
  /** Text; of a command or query in bytes, base64url. */
  result: string | undefined;
  index: Index | undefined;
}

/** Numbers groups anew, since several may have had one id after another. */
export function groupsByBirth(): (one: Recorded) => GroupId {
  const births = new Map<string, GroupId>();
  return ({ group, birth }) => {
    const name = `${group} ${birth}`;
    const number = births.get(name) ?? births.size;
    births.set(name, number);
    return number;
  };
}

export class History {
  readonly operations: Recorded[] = [];
  private readonly agenda: Agenda;

  constructor(agenda: Agenda) {
    this.agenda = agenda;
  }

  begin(
    what: Pick<Recorded, "node" | "life" | "group" | "birth" | "kind" | "key" | "arguments">,
  ): Recorded {
    const recorded: Recorded = {
      id: this.operations.length,
      ...what,
      callUs: this.agenda.nowUs,
      returnUs: undefined,
      outcome: "pending",
      code: undefined,
      result: undefined,
      index: undefined,
    };
    this.operations.push(recorded);
    return recorded;
  }

  /** Only the first word counts: a late answer finds the caller gone. */
  end(
    recorded: Recorded,
    outcome: Exclude<Recorded["outcome"], "pending">,
    said: { result?: string; index?: Index; code?: ErrorCode } = {},
  ): void {
    if (recorded.outcome !== "pending") return;
    recorded.outcome = outcome;
    recorded.returnUs = this.agenda.nowUs;
    recorded.result = said.result;
    recorded.code = said.code;
    recorded.index = said.index;
  }
}
