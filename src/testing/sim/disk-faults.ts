import { RaftError } from "../../base/index.ts";

/** What a store at its bound says. */
export function logIsFull(): RaftError {
  return new RaftError("ERR_STORE_FULL", "The simulated log is full");
}

/** What is wrong with a simulated disk, at any time. Rates are chances per operation. */
export class DiskFaults {
  /** A flush takes about this long: from a half to one and a half. */
  commitUs = 400;
  /** This share of flushes takes up to `commitTailUs` longer. */
  commitTailRate = 0;
  commitTailUs = 0;
  /** A write fails, and the transaction is not there. */
  writeErrorRate = 0;
  /** A flush fails; what it was to write may be readable, and never reach the disk. */
  flushErrorRate = 0;
  /** Reading a record fails. */
  readErrorRate = 0;
  /** A flush says that it is done, and is not: a power cut tears or loses its transactions. */
  lieRate = 0;
  /** Writes fail for want of space. */
  full = false;
  /** The log has reached its bound: it takes no more entries. */
  bounded = false;
  /** A flush holds up the whole process, as LMDB does, by `DiskHost.block`. */
  blocking = false;
  /** No flush ends. Set by `SimulatedDisk.stall` and `resume`. */
  stalled = false;
}
