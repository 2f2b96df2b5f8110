/**
 * A suite of small cases: one part of a layer each, through that layer's door, without threads or
 * sockets. What a case returns is kept by who runs it, so that no work can be left out as useless.
 */
export interface MicroCase {
  readonly name: string;
  /** Of what a rate is: `entry`, `message`, `commit`. */
  readonly operation: string;
  /** Operations of one call. */
  readonly operations: number;
  /** Bytes of one operation, where its speed is one of bytes. */
  readonly bytes?: number;
  /** Does its operations once; a promise is waited for. */
  run(): unknown;
}

export interface MicroSuite {
  readonly name: string;
  /** What the cases need is made here; files belong into `dir`, which the caller removes. */
  prepare(dir: string): Promise<PreparedSuite>;
}

export interface PreparedSuite {
  readonly cases: readonly MicroCase[];
  close?(): Promise<void>;
}
