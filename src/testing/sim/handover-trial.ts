/**
 * After the end of a run, when all is calm: a leader that resigns, and one whose node closes, hands
 * over, so that its group is led again before an election timeout could have passed. Asked only of
 * groups whose members are all there, and connected: a vote that is sent before there is a link is
 * lost, and the next try waits for an election timeout.
 */
import type { GroupId, NodeId } from "../../base/index.ts";
import { majorityOf } from "../../raft/index.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import { perform } from "./verbs/index.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** So many groups resign; those of a node that closes are as many as it leads. */
const resignationsMax = 8;

interface Led {
  readonly group: GroupId;
  readonly leader: NodeId;
}

export class HandoverTrial {
  private readonly world: World;
  private readonly nodes: readonly SimulatedNode[];
  private readonly electionUs: number;

  constructor(world: World, nodes: readonly SimulatedNode[], electionUs: number) {
    this.world = world;
    this.nodes = nodes;
    this.electionUs = electionUs;
  }

  async run(): Promise<void> {
    const { agenda, settings } = this.world;
    // A frame that was held up before the calm holds up the next one of its lane.
    await agenda.run(agenda.nowUs + settings.tailUs);
    const resigning = this.led().slice(0, resignationsMax);
    for (const { leader, group } of resigning) perform(this.world, `resign ${leader} ${group}`);
    await this.mustBeLed(resigning, "resigned");
    const { prng } = this.world;
    const node = this.nodes[prng.between(0, Math.max(1, this.nodes.length))];
    if (node === undefined) return;
    const left = this.led().filter(({ leader }) => leader === node.id);
    perform(this.world, `close ${node.id}`);
    await this.mustBeLed(left, "closed its node");
  }

  private async mustBeLed(groups: readonly Led[], what: string): Promise<void> {
    const { agenda } = this.world;
    await agenda.run(agenda.nowUs + this.electionUs);
    for (const { group, leader } of groups) {
      if (this.leaderOf(group, leader) !== undefined) continue;
      throw new Violation(
        "handover",
        `${leader}, which led group ${group}, ${what}; an election timeout later nobody leads it`,
      );
    }
  }

  /** Groups that have a leader and enough members beside it, all of them here. */
  private led(): Led[] {
    const found: Led[] = [];
    for (const group of this.world.groups()) {
      const leader = this.leaderOf(group, undefined);
      if (leader === undefined) continue;
      const replica = this.world.node(leader)?.slotOf(group)?.shard.replicas.get(group);
      const members = replica?.descriptor.members ?? [];
      const all = members.every(({ node, incarnation }) => {
        const slot = this.nodes.find(({ id }) => id === node)?.slotOf(group);
        const member = slot?.isOpen === true ? slot.shard.replicas.get(group) : undefined;
        return member?.running === true && member.incarnation === incarnation;
      });
      const names = members.map(({ node }) => node);
      if (!all || names.length - 1 < majorityOf(names.length)) continue;
      if (this.areConnected(group, names)) found.push({ group, leader });
    }
    return found;
  }

  private areConnected(group: GroupId, members: readonly NodeId[]): boolean {
    return members.every((from) => {
      const slot = this.nodes.find(({ id }) => id === from)?.slotOf(group);
      return members.every((to) => to === from || slot?.transport.link(to, group)?.up === true);
    });
  }

  private leaderOf(group: GroupId, except: NodeId | undefined): NodeId | undefined {
    const leads = ({ id }: SimulatedNode): boolean => {
      return id !== except && this.world.live(id, group)?.raft.isLeader === true;
    };
    return this.nodes.find(leads)?.id;
  }
}
