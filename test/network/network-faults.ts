/** Faults of a network and of its nodes, drawn by chance, each begun and ended. */
import type { Prng } from "../../src/base/index.ts";
import type { NodeCluster } from "../integration/node-cluster.ts";
import { cutWire, soundWire } from "./bad-wire.ts";
import type { BadNetwork, Wire } from "./bad-wire.ts";

export interface FaultPlace {
  readonly network: BadNetwork;
  readonly cluster: NodeCluster;
  readonly prng: Prng;
}

interface Fault {
  readonly name: string;
  readonly begin: (place: FaultPlace) => Promise<EndFault> | EndFault;
}
type EndFault = () => Promise<void> | void;

/** A wire with one property drawn up to a bound. */
function badWire(prng: Prng, worst: Partial<Wire>): Wire {
  const drawn = Object.entries(worst).map(([name, most]) => [name, prng.between(1, most + 1)]);
  return { ...soundWire, ...Object.fromEntries(drawn) };
}

function everywhere(name: string, worst: Partial<Wire>): Fault {
  return {
    name,
    begin: ({ network, prng }) => {
      network.setAll(badWire(prng, worst));
      return () => network.setAll(soundWire);
    },
  };
}

function drawTwo({ prng, network }: FaultPlace): readonly [string, string] {
  const rest = [...network.names];
  const [one = ""] = rest.splice(prng.between(0, rest.length), 1);
  return [one, rest[prng.between(0, rest.length)] ?? ""];
}

const faults: readonly Fault[] = [
  {
    name: "a node alone",
    begin: (place) => {
      const { network } = place;
      const [one] = drawTwo(place);
      const others = network.names.filter((name) => name !== one);
      const set = (wire: Wire): void => {
        for (const other of others) {
          network.setWire(one, other, wire);
          network.setWire(other, one, wire);
        }
      };
      set(cutWire);
      return () => set(soundWire);
    },
  },
  {
    name: "two nodes apart, both in reach of the third",
    begin: (place) => {
      const [one, other] = drawTwo(place);
      const set = (wire: Wire): void => {
        place.network.setWire(one, other, wire);
        place.network.setWire(other, one, wire);
      };
      set(cutWire);
      return () => set(soundWire);
    },
  },
  {
    name: "a wire cut in one direction",
    begin: (place) => {
      const [from, to] = drawTwo(place);
      place.network.setWire(from, to, cutWire);
      return () => place.network.setWire(from, to, soundWire);
    },
  },
  {
    name: "a node that hears and is not heard",
    begin: (place) => {
      const { network } = place;
      const [one] = drawTwo(place);
      const others = network.names.filter((name) => name !== one);
      for (const other of others) network.setWire(one, other, cutWire);
      return () => {
        for (const other of others) network.setWire(one, other, soundWire);
      };
    },
  },
  {
    name: "an interface down",
    begin: (place) => {
      const [one] = drawTwo(place);
      place.network.setLink(one, "down");
      return () => place.network.setLink(one, "up");
    },
  },
  everywhere("losses", { lossPpm: 200_000 }),
  everywhere("long ways", { delayUs: 80_000, jitterUs: 80_000 }),
  everywhere("disorder", { latePpm: 300_000, doublePpm: 100_000, jitterUs: 5_000 }),
  everywhere("broken bits", { brokenPpm: 100_000 }),
  everywhere("forged bits", { forgedPpm: 20_000 }),
  everywhere("all at once", {
    delayUs: 20_000,
    jitterUs: 20_000,
    lossPpm: 50_000,
    doublePpm: 50_000,
    latePpm: 50_000,
    brokenPpm: 20_000,
    forgedPpm: 5_000,
  }),
  {
    name: "a node killed",
    begin: async (place) => {
      const [one] = drawTwo(place);
      await place.cluster.kill(one);
      return () => place.cluster.start(one);
    },
  },
  {
    name: "a node that stands still",
    begin: (place) => {
      const [one] = drawTwo(place);
      place.cluster.node(one).signal("SIGSTOP");
      return () => place.cluster.node(one).signal("SIGCONT");
    },
  },
];

/** Begins a fault; returns its name and how to end it. */
export async function beginFault(place: FaultPlace): Promise<{ name: string; end: EndFault }> {
  const { prng } = place;
  const fault = faults[prng.between(0, faults.length)];
  if (fault === undefined) throw new Error("a fault was drawn that there is not");
  return { name: fault.name, end: await fault.begin(place) };
}
