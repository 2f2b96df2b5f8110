import type { Mutant } from "../mutant.ts";

const deadLinks = "test/unit/transport/dead-links.test.ts";
const standIn = "test/input/stand-in.test.ts";

/** Connections of real sockets, which the simulated world does not have. */
export const linkMutants: readonly Mutant[] = [
  {
    name: "silent-link-kept",
    says: "A link that answers nothing is given up: where packets are lost without a word, the groups of two nodes are deaf to each other for as long as the kernel repeats them.",
    file: "src/transport/lane-watch.ts",
    find: '    return this.silentTurns >= turnsMax ? "lost" : "probe";',
    replace: '    return "probe";',
    hunt: { seeds: 0 },
    killer: { file: deadLinks, name: "is given up after silenceMs" },
  },
  {
    name: "idle-link-not-probed",
    says: "A probe is answered: a link with nothing to say is given up again and again.",
    file: "src/transport/accepted-connection.ts",
    find: '    } else if (signal === "probe") this.signal("heard");',
    replace: '    } else if (signal === "probe") return;',
    hunt: { seeds: 0 },
    killer: { file: deadLinks, name: "an idle link is probed" },
  },
  {
    name: "slow-frame-not-told",
    says: "A part of a frame is a sign of life: a slow link with a large frame is cut before the frame has arrived, for ever.",
    file: "src/transport/accepted-connection.ts",
    find: "this.receivedInTurn || this.socket.isPaused()",
    replace: "this.socket.isPaused()",
    hunt: { seeds: 0 },
    killer: { file: deadLinks, name: "a slow path" },
  },
  {
    name: "link-to-a-former-process-kept",
    says: "Who comes back is dialled at once: a node that lost its power hears nobody until its peers' links have been silent for long enough.",
    file: "src/transport/tcp-link.ts",
    find: "    if (this.instance !== instance) {",
    replace: "    if (this.instance < 0) {",
    hunt: { seeds: 0 },
    killer: { file: deadLinks, name: "a node that comes back" },
  },
  {
    name: "second-process-takes-turns",
    says: "One process speaks for a node: a second one under the same id throws the first one out, and is thrown out by it, for ever.",
    file: "src/transport/contests.ts",
    find: '      newcomer.refuse("nodeInUse");',
    replace: "      newcomer.onUncontested();",
    hunt: { seeds: 0 },
    killer: { file: deadLinks, name: "a second process of a node" },
  },
  {
    name: "newest-stranger-turned-away",
    says: "Silent strangers give way: as many connections as may be ungreeted, held open and silent, lock every peer out.",
    file: "src/transport/strangers.ts",
    find: "    return this.byEndpoint.size > this.max ? this.takeLeast() : undefined;",
    replace: "    return this.byEndpoint.size > this.max ? socket : undefined;",
    hunt: { seeds: 0 },
    killer: { file: deadLinks, name: "silent strangers give way" },
  },
  {
    name: "any-certificate-speaks-for-any-node",
    says: "A certificate speaks for the nodes that it names: whoever has the key of one node votes for all of them.",
    file: "src/transport/accepted-connection.ts",
    find: "    if (tls !== undefined && !speaksFor(this.socket, tls.nodeName, hello.node)) {",
    replace: '    if (tls?.nodeName === "" && !speaksFor(this.socket, tls.nodeName, hello.node)) {',
    hunt: { seeds: 0 },
    killer: {
      file: "test/unit/transport/mutual-tls.test.ts",
      name: "whose certificate names another node is refused",
    },
  },
  {
    name: "acceptor-proves-one-secret-only",
    says: "A secret is changed on one node after another: a node that knows the old one and the new one is not recognised by one that still has the old one alone.",
    file: "src/transport/accepted-connection.ts",
    find: '    const proofs = secrets.map((secret) => greetingProof(secret, "acceptor", said));',
    replace:
      '    const proofs = secrets.slice(0, 1).map((secret) => greetingProof(secret, "acceptor", said));',
    hunt: { seeds: 0 },
    killer: {
      file: "test/unit/transport/shared-secret.test.ts",
      name: "is changed on one node after another",
    },
  },
  {
    name: "failed-first-shard-hides-the-others",
    says: "One shard that is down hides no other: a node that has only the address of a failed shard 0 never finds the shards beside it.",
    file: "src/engine/stand-in.ts",
    find: "    if (this.#isClosed) return Promise.resolve();",
    replace: "    if (!this.#isClosed) return Promise.resolve();",
    hunt: { seeds: 0 },
    killer: { file: standIn, name: "finds the shards beside it" },
  },
  {
    name: "stand-in-keeps-the-port",
    says: "A stand-in gives way: a shard 0 that opens late finds its port taken by its own node, and fails.",
    file: "src/engine/stand-in.ts",
    find: "    await transport?.close();",
    replace: "    void transport;",
    hunt: { seeds: 0 },
    killer: { file: standIn, name: "opens late" },
  },
  {
    name: "stand-in-refuses-lanes",
    says: "A stand-in is no wrong address: each link to a shard 0 that restarts is told as refused, on both nodes.",
    file: "src/transport/accepted-connection.ts",
    find: '    if (hello.lane !== "directory" && this.owner.context.settings.standsIn) {\n      // As if nobody listened here: the dialler asks where the shard is, and hears that it is down.\n      this.close();',
    replace:
      '    if (hello.lane !== "directory" && this.owner.context.settings.standsIn) {\n      // As if nobody listened here: the dialler asks where the shard is, and hears that it is down.\n      this.refuse("shardMismatch");',
    hunt: { seeds: 0 },
    killer: {
      file: "test/unit/transport/tcp-transport.test.ts",
      name: "takes no lanes",
    },
  },
  {
    name: "claimed-names-are-numbered",
    says: "Names that somebody claims fill no table: four thousand greetings under invented names, and a member that is new is refused for ever.",
    file: "src/shard/inbound.ts",
    find: "    this.fromKey = context.nodes.find(from.node) ?? nobody;",
    replace: "    this.fromKey = context.nodes.keyOf(from.node) ?? nobody;",
    hunt: { seeds: 0 },
    killer: { file: "test/inline/hostile-peer.test.ts", name: "strangers claim fill no table" },
  },
];
