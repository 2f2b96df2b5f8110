/** A machine whose every command loops for as long as the file that it names is there. */
import { existsSync } from "node:fs";
import type { CreateStateMachine } from "../../../src/index.ts";

export const createStateMachine: CreateStateMachine = () => ({
  apply({ command }) {
    const file = Buffer.from(command).toString();
    while (file !== "" && existsSync(file));
    return undefined;
  },
  query: () => undefined,
});
