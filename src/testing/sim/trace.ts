/**
 * A run told as it happens, in the words of the data-driven tests: what is done to the world, every
 * message as it leaves, what disks make durable, roles, starts and ends.
 *
 *      1250000 crash b power
 *      1250417 g1 a->c appendRequest term:3 prev:(7,3) commit:7 [8@3]
 */
import type { GroupId, NodeId } from "../../base/index.ts";
import { describeMessage } from "../../raft/index.ts";
import type { Agenda } from "./agenda.ts";
import type { RoleChange, SentMessage } from "./check.ts";
import type { ShadowChange } from "./shadow.ts";

export class Trace {
  private readonly agenda: Agenda;
  private readonly tell: (line: string) => void;

  constructor(agenda: Agenda, tell: (line: string) => void) {
    this.agenda = agenda;
    this.tell = tell;
  }

  action(text: string): void {
    this.say(text);
  }

  sent({ from, to, group, message }: SentMessage): void {
    const [, ...words] = describeMessage(message).split(" ");
    this.say(`g${group} ${from}->${to} ${words.join(" ")}`);
  }

  durable(node: NodeId, { group, term, vote, first, terms, commit }: ShadowChange): void {
    const ballot = term === undefined ? "" : ` term:${term} vote:${vote ?? "-"}`;
    const entries = terms.length === 0 ? "" : ` [${first}..${first + terms.length - 1}]`;
    this.say(`g${group} ${node} durable${ballot}${entries} commit:${commit}`);
  }

  role({ node, group, role, leader, term }: RoleChange): void {
    this.say(`g${group} ${node} ${role} term:${term} leader:${leader === "" ? "-" : leader}`);
  }

  applied(node: NodeId, group: GroupId, index: number): void {
    this.say(`g${group} ${node} applied ${index}`);
  }

  life(node: NodeId, what: string): void {
    this.say(`${node} ${what}`);
  }

  private say(text: string): void {
    this.tell(`${this.agenda.nowUs} ${text}`);
  }
}
