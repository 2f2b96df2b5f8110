/** Calls of clients, as an engine would pass them on; each is one operation of the history. */
import { RaftError } from "../../../base/index.ts";
import type { GroupId, Incarnation, NodeId } from "../../../base/index.ts";
import { entryHeaderBytes } from "../../../raft/index.ts";
import { eventKind } from "../agenda.ts";
import type { OperationKind, Recorded } from "../history.ts";
import type { Answer, CallOptions } from "../mail-client.ts";
import type { Line } from "../script.ts";
import { hashOf } from "../shadow.ts";
import type { SimulatedShard } from "../simulated-shard.ts";
import type { World } from "../world.ts";
import { bytesToText } from "../workload.ts";
import { nodeOf } from "./verb.ts";
import type { Verb } from "./verb.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A call's deadline where the line names none, in ms. */
const timeoutMsDefault = 3_000;

/** Bytes that any command takes without its ballast, with its header. */
const commandRoom = 40;

export function optionsOf(line: Line): CallOptions {
  return { forward: line.flag("forward"), timeoutMs: line.setting("timeout", timeoutMsDefault) };
}

export interface Asked {
  readonly kind: OperationKind;
  readonly key: string;
  readonly arguments: readonly string[];
}

/** The shard that would serve a call, or undefined where nobody is there to take it. */
export function serving(world: World, line: Line): SimulatedShard | undefined {
  const slot = nodeOf(world, line).slotOf(line.number(1));
  return slot?.isOpen === true ? slot : undefined;
}

/** An operation that ends, unanswered, at its deadline. */
export function begin(world: World, line: Line, asked: Asked): Recorded {
  const node = nodeOf(world, line).id;
  const group = line.number(1);
  world.tally.count("calls");
  const life = world.livesOf(node, group);
  const recorded = world.history.begin({
    node,
    life,
    group,
    birth: birthOf(world, node, group),
    ...asked,
  });
  const { nowUs } = world.agenda;
  const deadlineUs = nowUs + optionsOf(line).timeoutMs * 1_000;
  world.agenda.at(deadlineUs, eventKind.timer, () => {
    if (recorded.outcome === "pending") world.tally.count("calls timed out");
    world.history.end(recorded, "unknown");
  });
  return recorded;
}

function birthOf(world: World, node: NodeId, group: GroupId): Incarnation {
  // A new replica takes calls before its first commit is given to the disk.
  const replica = world.node(node)?.slotOf(group)?.shard.replicas.get(group);
  return replica?.descriptor.members[0]?.incarnation ?? world.shadow(node, group)?.birth ?? 0;
}

function fail(world: World, recorded: Recorded, { outcome, code }: RaftError): void {
  world.tally.count(`call failed: ${code} (${outcome})`);
  world.history.end(recorded, outcome, { code });
}

/** What an answer means to the clients of these operations, one an entry. */
export function finish(world: World, recorded: readonly Recorded[], answer: Answer): void {
  for (const one of recorded) {
    if (answer.kind !== "failed") one.birth = birthOf(world, one.node, one.group);
    // Which of two machines answered is not known: a session of its own.
    if (one.life !== world.livesOf(one.node, one.group)) one.life = -one.id;
  }
  if (answer.kind === "failed") {
    for (const one of recorded) fail(world, one, answer.error);
  } else if (answer.kind === "applied") {
    for (const [at, { index, result }] of answer.results.entries()) {
      const one = recorded[at];
      if (one === undefined) continue;
      if (result instanceof RaftError) fail(world, one, result);
      else world.history.end(one, "ok", { index, result: readResult(one, result) });
    }
  } else if (answer.kind === "value") {
    for (const one of recorded) {
      const result = readResult(one, answer.bytes);
      world.history.end(one, "ok", { index: answer.index, result });
    }
  }
}

function readResult({ kind }: Recorded, bytes: Uint8Array): string {
  switch (kind) {
    case "command":
    case "query":
    case "localQuery":
      return bytesToText(bytes);
    default:
      return decoder.decode(bytes);
  }
}

/** One call; as the engine does, it lets in no more bytes than one command may have. */
function propose(world: World, line: Line, commands: readonly Asked[]): void {
  const slot = serving(world, line);
  if (slot === undefined) return;
  const { commandBytesMax } = world.settings.options;
  const asked = commands.slice(0, Math.max(1, Math.floor(commandBytesMax / commandRoom)));
  const bytesMax = Math.floor(commandBytesMax / asked.length) - entryHeaderBytes(commandBytesMax);
  const ballast = "x".repeat(Math.min(line.setting("pad", 0), bytesMax));
  const group = line.number(1);
  const recorded = asked.map((one) => begin(world, line, one));
  const entries = asked.map(({ kind, key, arguments: words }) => {
    const text = [kind, key, ...words, ballast].join(" ").trimEnd();
    return encoder.encode(text.slice(0, bytesMax));
  });
  for (const entry of entries) world.checks.onProposed?.(group, hashOf(entry, 0));
  slot.client.propose(group, entries, optionsOf(line), (answer) => {
    finish(world, recorded, answer);
  });
}

function read(world: World, line: Line, kind: "get" | "local"): void {
  const slot = serving(world, line);
  if (slot === undefined) return;
  const key = line.word(2);
  const recorded = begin(world, line, { kind, key, arguments: [] });
  const query = encoder.encode(`get ${key}`);
  const answered = (answer: Answer): void => finish(world, [recorded], answer);
  const group = line.number(1);
  if (kind === "get") slot.client.read(group, query, optionsOf(line), answered);
  else slot.client.readLocal(group, query, answered);
}

export const callVerbs: readonly Verb[] = [
  {
    name: "put",
    usage: "put NODE GROUP KEY VALUE [forward] [timeout=MS] [pad=BYTES]",
    run: (world, line) => {
      propose(world, line, [{ kind: "put", key: line.word(2), arguments: [line.word(3)] }]);
    },
  },
  {
    name: "cas",
    usage: "cas NODE GROUP KEY EXPECTED VALUE [forward] [timeout=MS]",
    run: (world, line) => {
      const words = [line.word(3), line.word(4)];
      propose(world, line, [{ kind: "cas", key: line.word(2), arguments: words }]);
    },
  },
  {
    name: "batch",
    usage: "batch NODE GROUP KEY VALUE count=N   (one call: puts of VALUE, VALUE+1, …)",
    run: (world, line) => {
      const first = line.number(3);
      const values = Array.from({ length: line.setting("count") }, (_, at) => String(first + at));
      const key = line.word(2);
      propose(
        world,
        line,
        values.map((value) => ({ kind: "put", key, arguments: [value] })),
      );
    },
  },
  {
    name: "burst",
    usage: "burst NODE GROUP KEY VALUE count=N   (as many calls, at once)",
    run: (world, line) => {
      const first = line.number(3);
      for (let at = 0; at < line.setting("count"); at += 1) {
        const value = String(first + at);
        propose(world, line, [{ kind: "put", key: line.word(2), arguments: [value] }]);
      }
    },
  },
  {
    name: "poison",
    usage: "poison NODE GROUP   (a command on which the machine throws)",
    run: (world, line) => {
      propose(world, line, [{ kind: "command", key: "poison", arguments: [] }]);
    },
  },
  {
    name: "get",
    usage: "get NODE GROUP KEY [forward] [timeout=MS]",
    run: (world, line) => read(world, line, "get"),
  },
  {
    name: "local",
    usage: "local NODE GROUP KEY   (a read of what this replica has)",
    run: (world, line) => read(world, line, "local"),
  },
];
