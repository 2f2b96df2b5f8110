/** Calls of clients of any state machine: what they ask is bytes, written as base64url. */
import { scriptInvalid } from "../script.ts";
import type { Line } from "../script.ts";
import { hashOf } from "../shadow.ts";
import { bytesToText, proposalBytes, textToBytes } from "../workload.ts";
import type { World } from "../world.ts";
import { begin, finish, optionsOf, serving } from "./call.ts";
import type { Asked } from "./call.ts";
import type { Verb } from "./verb.ts";

/** Each part of `bytes=`, several of which are divided by commas. */
function bytesOf(world: World, line: Line): Uint8Array[] {
  const text = line.text("bytes");
  if (text === undefined) throw scriptInvalid(`"${line.name}" lacks bytes=`);
  const parts = text.split(",").map(textToBytes);
  const { commandBytesMax } = world.settings.options;
  if (proposalBytes(parts) <= commandBytesMax) return parts;
  throw scriptInvalid(`"${line.name}" asks for more than commandBytesMax (${commandBytesMax})`);
}

function asked(kind: Asked["kind"], bytes: Uint8Array): Asked {
  return { kind, key: "", arguments: [bytesToText(bytes)] };
}

export const byteVerbs: readonly Verb[] = [
  {
    name: "command",
    usage: "command NODE GROUP bytes=BASE64URL[,…] [forward] [timeout=MS]   (several: one call)",
    run: (world, line) => {
      const slot = serving(world, line);
      const commands = bytesOf(world, line);
      if (slot === undefined) return;
      const group = line.number(1);
      const recorded = commands.map((bytes) => begin(world, line, asked("command", bytes)));
      for (const bytes of commands) world.checks.onProposed?.(group, hashOf(bytes, 0));
      slot.client.propose(group, commands, optionsOf(line), (answer) => {
        finish(world, recorded, answer);
      });
    },
  },
  {
    name: "query",
    usage:
      "query NODE GROUP bytes=BASE64URL [local] [forward] [timeout=MS]   (local: as it is here)",
    run: (world, line) => {
      const slot = serving(world, line);
      const [query = new Uint8Array(0)] = bytesOf(world, line);
      if (slot === undefined) return;
      const group = line.number(1);
      const kind = line.flag("local") ? "localQuery" : "query";
      const recorded = begin(world, line, asked(kind, query));
      if (kind === "query") {
        slot.client.read(group, query, optionsOf(line), (answer) => {
          finish(world, [recorded], answer);
        });
      } else {
        slot.client.readLocal(group, query, (answer) => finish(world, [recorded], answer));
      }
    },
  },
];
