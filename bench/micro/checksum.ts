/** CRC-32C of blocks and frames. */
import { crc32c } from "../../src/wire/index.ts";
import type { MicroCase, MicroSuite } from "./suite.ts";

function caseOf(name: string, bytes: number): MicroCase {
  const memory = new Uint8Array(bytes).fill(7);
  return { name, operation: "checksum", operations: 1, bytes, run: () => crc32c(memory) };
}

export const checksumSuite: MicroSuite = {
  name: "crc32c",
  prepare: async () => ({
    cases: [
      caseOf("16 B", 16),
      caseOf("64 B", 64),
      caseOf("256 B", 256),
      caseOf("4 KiB", 4_096),
      caseOf("256 KiB", 262_144),
    ],
  }),
};
