import type { Mutant } from "../mutant.ts";

const paper = "test/paper/election.test.ts";
const predecessors = "test/defects/raft-predecessors.test.ts";

/** Votes, terms and who may lead. */
export const electionMutants: readonly Mutant[] = [
  {
    name: "majority-is-half",
    says: "Majority is n/2 rounded down, plus 1 (ex_raft had ceil(n/2)): in groups of 2 or 4 two halves decide apart, and acknowledged writes are gone.",
    file: "src/raft/quorum/majority.ts",
    find: "return Math.floor(count / 2) + 1;",
    replace: "return Math.ceil(count / 2);",
    killer: { file: predecessors, name: "majority computed as ceil(n/2)" },
  },
  {
    name: "refusal-counts-as-vote",
    says: "Only a granted vote counts (thesis 3.4): a candidate with an old log wins, and acknowledged writes are gone.",
    file: "src/raft/election.ts",
    find: `  const result = recordVote(state, from, granted);
  if (result === "won") becomeLeader(state);`,
    replace: `  const result = recordVote(state, from, true);
  if (result === "won") becomeLeader(state);`,
    killer: { file: paper },
  },
  {
    name: "vote-counted-twice",
    says: "Votes are tallied by voter (toniq raft): an answer that the network doubles makes a second leader in a group of 4 or more, and acknowledged writes are gone.",
    file: "src/raft/election.ts",
    find: "  if (!state.votes.has(from)) state.votes.set(from, granted);",
    replace: `  const unheard = state.configuration.voters.find((voter) => !state.votes.has(voter));
  const voter = state.votes.has(from) ? (unheard ?? from) : from;
  if (!state.votes.has(voter)) state.votes.set(voter, granted);`,
    killer: { file: predecessors, name: "stale or duplicate votes counted" },
  },
  {
    name: "votes-kept-over-campaigns",
    says: "Votes are tallied by term: what was granted in a pre-vote or an older campaign elects a second leader, and acknowledged writes are gone.",
    file: "src/raft/roles.ts",
    find: "  state.votes.clear();\n",
    replace: "",
    killer: { file: "test/unit/raft/roles.test.ts", name: "forgets votes" },
    quick: true,
  },
  {
    name: "vote-of-older-term-counted",
    says: "Votes are tallied by term (toniq raft): a grant that was long in flight elects a second leader, and acknowledged writes are gone.",
    file: "src/raft/raft.ts",
    find: `        handlePreVoteRequest(state, message);
        return;
      default:
        return;`,
    replace: `        handlePreVoteRequest(state, message);
        return;
      case "voteResponse":
        handleVoteResponse(state, message.from, message.granted);
        return;
      default:
        return;`,
    killer: { file: predecessors, name: "stale or duplicate votes counted" },
  },
  {
    name: "two-votes-in-a-term",
    says: "A voter has one vote a term (thesis 3.4): two candidates of one term win, and a replica finds two leaders in it.",
    file: "src/raft/election.ts",
    find: "const free = state.vote === nobody && state.leader === nobody;",
    replace: "const free = state.leader === nobody;",
    killer: { file: paper, name: "votes for at most one candidate" },
    quick: true,
  },
  {
    name: "up-to-date-check-swapped",
    says: "Up to date compares term, then index (toniq raft): the longest log leads instead of the newest, and acknowledged writes are gone.",
    file: "src/raft/log/raft-log.ts",
    find: "return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex);",
    replace:
      "return lastIndex > this.lastIndex || (lastIndex === this.lastIndex && lastTerm >= ours);",
    killer: { file: predecessors, name: "index and term swapped" },
  },
  {
    name: "up-to-date-check-by-term-only",
    says: "Of logs that end in one term the longer is newer (thesis 3.6.1): a candidate that lacks the newest acknowledged writes wins, and they are gone.",
    file: "src/raft/log/raft-log.ts",
    find: "return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex);",
    replace: "return lastTerm >= ours;",
    killer: { file: paper, name: "3.6.1" },
  },
  {
    name: "stale-log-gets-votes",
    says: "A voter refuses a log older than its own (thesis 3.6.1): a replica back from a partition wins, and acknowledged writes are gone.",
    file: "src/raft/log/raft-log.ts",
    find: "return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex);",
    replace: "return true;",
    killer: { file: paper, name: "3.6.1" },
  },
  {
    name: "vote-kept-in-later-term",
    says: "A new term begins without a vote (thesis 3.4): voters stay with an old choice, and a group whose leader dies stays without one for ever.",
    file: "src/raft/roles.ts",
    find: `    state.term = term;
    state.vote = nobody;`,
    replace: `    state.term = term;`,
    killer: { file: "test/unit/raft/roles.test.ts", name: "later term forgets the vote" },
  },
  {
    name: "no-pre-vote",
    says: "A replica asks before it raises its term (thesis 9.6): one back from a partition unseats a healthy leader, and its group's writes fail for a while.",
    file: "src/raft/election.ts",
    find: "Math.min(state.lonelyCampaigns + 1, 3);\n  preCampaign(state);",
    replace: "Math.min(state.lonelyCampaigns + 1, 3);\n  campaign(state, false);",
    killer: { file: paper, name: "9.6" },
  },
  {
    name: "pre-vote-granted-beside-a-leader",
    says: "Who hears its leader helps nobody to another (thesis 4.2.3): with one link cut the leadership wanders on and on, and writes fail each time.",
    file: "src/raft/election.ts",
    find: "  if (request.term > state.term && staysWithLeader(state, request.from)) return;\n",
    replace: "",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "restarted-leader-refused",
    says: "A follower does not hold on to a leader that campaigns itself (src/raft/election.ts): a leader that restarts, with one member down, is refused until the followers' timers run out.",
    file: "src/raft/election.ts",
    find: "return state.leader !== candidate && hearsLeader(state);",
    replace: "return candidate !== state.self && hearsLeader(state);",
    killer: { file: paper, name: "leads no more" },
  },
  {
    name: "creator-unseats-the-elected",
    says: "A creator campaigns only if nobody leads yet (src/shard/creation.ts): it leaves the leader that was elected while the last members were awaited, and calls made there fail.",
    file: "src/shard/creation.ts",
    find: "replica?.running === true && replica.raft.leader === nobody) {",
    replace: "replica?.running === true && replica.raft.term >= nobody) {",
    killer: { file: "test/inline/creation.test.ts", name: "elected meanwhile" },
  },
  {
    name: "only-voter-waits",
    says: "The only voter of a group leads as soon as it runs (src/shard/shard.ts): each restart of a node costs its groups of one an election timeout.",
    file: "src/raft/raft.ts",
    find: "return isOnlyVoter(state.configuration, state.self) && this.campaign();",
    replace: "return isOnlyVoter(state.configuration, state.self) && this.isLeader;",
    killer: { file: "test/inline/failover.test.ts", name: "only voter" },
  },
  {
    name: "successor-told-too-early",
    says: "A successor is told to campaign when its disk has the leader's whole log (thesis 3.10): it loses the election, and its group is without a leader.",
    file: "src/raft/transfer.ts",
    find: "if (state.progress.get(to)?.match !== index || log.committed !== index) return;\n  state",
    replace: "if (log.committed !== index) return;\n  state",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "proposals-taken-while-handing-over",
    says: "A leader that hands over takes no proposals (thesis 3.10): the successor never has the whole log, and loses the election.",
    file: "src/raft/raft.ts",
    find: "    if (!isLeader || successor !== nobody) return false;\n",
    replace: "    if (!isLeader || successor === this.state.self) return false;\n",
    also: [
      {
        file: "src/raft/raft.ts",
        find: '    if (state.successor !== nobody) return "handingOver";\n',
        replace: "",
      },
    ],
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "late-request-to-campaign-obeyed",
    says: "A request to campaign from a transfer that was given up is ignored once the leader has gone on (src/raft/transfer.ts): a working leader is unseated.",
    file: "src/raft/transfer.ts",
    find: "if (state.log.lastIndex === index) campaign(state, true);",
    replace: "if (state.log.lastIndex >= index) campaign(state, true);",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "transfer-never-given-up",
    says: "A transfer ends after an election timeout (thesis 3.10): with a lost message the leader holds proposals back for ever.",
    file: "src/raft/transfer.ts",
    find: "  if (state.transferElapsed >= state.options.electionTicks) endTransfer(state);",
    replace: "",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "close-without-handover",
    says: "A shard hands its leaderships over before it closes (src/shard/shard.ts): each planned restart leaves its groups without a leader for an election timeout.",
    file: "src/shard/shard.ts",
    find: "const ready = this.started && !ended ? handovers.close() : Promise.resolve();",
    replace: "const ready = ended || handovers.isClosing ? handovers.close() : Promise.resolve();",
    killer: { file: "test/inline/handover.test.ts", name: "a shard that closes hands over" },
  },
  {
    name: "stop-without-handover",
    says: "A leader that is stopped hands over first (src/shard/calls.ts): its group is without a leader until the others' timers run out.",
    file: "src/shard/calls.ts",
    find: "    context.handovers.begin(replica, { done, failed: settle.failed });\n  }\n\n  private runningCall",
    replace: "    done();\n  }\n\n  private runningCall",
    killer: { file: "test/inline/handover.test.ts", name: "stopGroup on a leader" },
  },
  {
    name: "closing-shard-is-given-leaderships",
    says: "A shard that closes is no successor (src/shard/handover.ts): nodes that are shut down together wait for each other.",
    file: "src/shard/handover.ts",
    find: "return link?.up === true && !this.leaving.has(nameOf(link));",
    replace: "return link?.up === true;",
    killer: { file: "test/inline/handover.test.ts", name: "close at once" },
  },
  {
    name: "survivors-without-ranks",
    says: "Survivors of a leader campaign in the order of their ranks (src/raft/election.ts): when a node dies, some of its groups split the vote and wait for another election.",
    file: "src/raft/election.ts",
    find: "if (voter !== leader && voter !== self && outranks) before += 1;",
    replace: "if (voter === leader && voter !== self && outranks) before += 1;",
    killer: { file: paper, name: "in the order of their ranks" },
  },
  {
    name: "nobody-gives-way",
    says: "Of two that campaign at once the one of lower rank withdraws (src/raft/election.ts): they split the vote, and the group waits for another election.",
    file: "src/raft/election.ts",
    find: 'if (state.role === "preCandidate" && rankOf(candidate) < rankOf(state.self)) {',
    replace: 'if (state.role === "candidate" && rankOf(candidate) < rankOf(state.self)) {',
    killer: { file: paper, name: "do not split the vote" },
  },
  {
    name: "leads-though-far-behind",
    says: "A replica that would apply for long lets others campaign first (src/raft/election.ts): it leads, and calls wait for its state machine until they time out.",
    file: "src/raft/election.ts",
    find: "  if (!state.gaveWay && isBehind(state)) {",
    replace: "  if (state.gaveWay && isBehind(state)) {",
    killer: { file: paper, name: "far behind" },
  },
  {
    name: "check-quorum-ignored",
    says: "A leader that hears no quorum steps down (thesis 6.2): cut off, it holds its callers until their deadlines instead of sending them on.",
    file: "src/raft/election.ts",
    find: '  if (result !== "won") becomeFollower(state, state.term, nobody);',
    replace: "",
    killer: { file: paper, name: "6.2: a leader that reaches no quorum" },
  },
  {
    name: "higher-term-in-answers-ignored",
    says: "Whoever hears of a later term follows it (thesis 3.3): a replica that alone has raised its term never takes part again.",
    file: "src/raft/raft.ts",
    find: `      case "parkResponse":
        becomeFollower(state, message.term, nobody);
        return;`,
    replace: `      case "parkResponse":
        return;`,
    killer: { file: paper, name: "falls back to follower on seeing a higher term" },
  },
  {
    name: "older-leader-left-in-the-dark",
    says: "A leader of an older term is told of the newer (thesis 3.3): it and a replica ahead of it wait for each other for ever.",
    file: "src/raft/raft.ts",
    find: `        pushAppendResponse(state, message.from, {
          index: 0,
          rejected: true,
          hintIndex: 0,
          hintTerm: 0,
        });
        return;`,
    replace: "        return;",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "no-entry-of-a-new-leader",
    says: "A new leader begins its term with an entry (thesis 3.6.2, 6.4): after a failover reads hang, and old writes stay undecided, until somebody writes.",
    file: "src/raft/roles.ts",
    find: "  log.append(noop);",
    replace: "  void noop;",
    killer: { file: "test/unit/raft/roles.test.ts", name: "becomeLeader() appends a no-op" },
  },
];
