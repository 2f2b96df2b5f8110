/**
 * What proves to others who this node is, and to it who they are. They can be renewed while
 * connections are up: those stay, and each new one uses the new ones.
 */
import { createSecureContext } from "node:tls";
import type { SecureContext } from "node:tls";
import { isUint8Array } from "node:util/types";
import { RaftError, isRecord, optionError } from "../base/index.ts";
import type { OptionFault } from "../base/index.ts";

/** Mutual TLS: both ends show a certificate of the same authority. PEM texts. */
export interface TlsOptions {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  readonly ca: string | Buffer;
  /** The name that every peer's certificate carries, where it is not the host of its address. */
  readonly servername?: string | undefined;
  /**
   * The name that the certificate of a node must carry for it to be believed that it is that node:
   * `{node}` stands for the node's id. Looked for among the certificate's alternative names (DNS,
   * URI) and as its common name, as it is written: `"{node}.db.example"`,
   * `"spiffe://example/db/{node}"`. Without `{node}` whoever has a certificate of that name may
   * claim to be any node.
   * @default "{node}"
   */
  readonly nodeName?: string | undefined;
}

/**
 * A secret, or two while it is being changed: each is accepted, and whoever knows one of them. So
 * it is changed on one node after another: first every node gets `[new, old]`, then `new`.
 */
export type Secret = string | readonly string[];

export interface CredentialOptions {
  readonly secret?: Secret | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** Certificates, checked once, for both directions. */
export interface TlsMaterial {
  readonly context: SecureContext;
  readonly options: TlsOptions;
  readonly nodeName: string;
}

/** Secrets that a node may know at a time: each costs a proof in every greeting. */
const secretsMax = 2;
const defaultNodeName = "{node}";
const nodeNameLengthMax = 512;

/** What is wrong with the shape of credentials. */
export function credentialFaults({
  secret,
  tls,
}: {
  readonly secret?: unknown;
  readonly tls?: unknown;
}): OptionFault[] {
  return [
    ...(secret === undefined ? [] : secretFaults(secret)),
    ...(tls === undefined ? [] : tlsFaults(tls)),
  ];
}

function secretFaults(secret: unknown): OptionFault[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? secret : [secret];
  const isGood = (one: unknown): boolean => typeof one === "string" && one !== "";
  if (secrets.length >= 1 && secrets.length <= secretsMax && secrets.every(isGood)) return [];
  const message = `must be a string that is not empty, or ${secretsMax} of them`;
  return [{ option: "secret", message }];
}

function tlsFaults(tls: unknown): OptionFault[] {
  if (!isRecord(tls)) {
    return [{ option: "tls", message: "must be an object with key, cert and ca" }];
  }
  const faults: OptionFault[] = [];
  for (const name of ["key", "cert", "ca"]) {
    const value = tls[name];
    const given = typeof value === "string" ? value !== "" : isUint8Array(value);
    if (!given) faults.push({ option: "tls", message: `needs ${name}, as PEM text or bytes` });
  }
  const { key: _key, cert: _cert, ca: _ca, servername, nodeName, ...others } = tls;
  if (servername !== undefined && (typeof servername !== "string" || servername === "")) {
    faults.push({ option: "tls", message: "has a servername that is no name" });
  }
  for (const name of Object.keys(others)) {
    faults.push({ option: "tls", message: `has no setting ${name}` });
  }
  const isName =
    typeof nodeName === "string" && nodeName !== "" && nodeName.length <= nodeNameLengthMax;
  if (nodeName !== undefined && !isName) {
    const message = `has a nodeName that is no text of 1 to ${nodeNameLengthMax} characters`;
    faults.push({ option: "tls", message });
  }
  return faults;
}

export class Credentials {
  private currentSecrets: readonly string[];
  private currentTls: TlsMaterial | undefined;

  /** @throws ERR_OPTION_INVALID, with the cause if the certificates cannot be used */
  constructor(options: CredentialOptions) {
    checkShape(options);
    this.currentSecrets = secretsOf(options.secret);
    this.currentTls = options.tls && materialOf(options.tls);
  }

  /** The one to prove with first; empty if none is needed. */
  get secrets(): readonly string[] {
    return this.currentSecrets;
  }

  get tls(): TlsMaterial | undefined {
    return this.currentTls;
  }

  /**
   * Takes what is given in place of what there was.
   * @throws ERR_OPTION_INVALID, and nothing has changed: also for a secret or certificates where
   * there were none, since the other nodes' connections would not fit
   */
  renew(options: CredentialOptions): void {
    checkShape(options);
    const { secret, tls } = options;
    if (secret !== undefined && this.secrets.length === 0) throw wasNotThere("secret");
    if (tls !== undefined && this.tls === undefined) throw wasNotThere("tls");
    const material = tls === undefined ? this.currentTls : materialOf(tls);
    if (secret !== undefined) this.currentSecrets = secretsOf(secret);
    this.currentTls = material;
  }
}

function checkShape(options: CredentialOptions): void {
  const faults = credentialFaults(options);
  if (faults.length === 0) return;
  throw optionError(faults.map(({ option, message }) => `${option} ${message}`));
}

function wasNotThere(option: string): RaftError {
  return optionError([`${option} cannot be added to a node that was opened without`]);
}

function secretsOf(secret: Secret | undefined): readonly string[] {
  if (secret === undefined) return [];
  return typeof secret === "string" ? [secret] : [...secret];
}

function materialOf(options: TlsOptions): TlsMaterial {
  const { key, cert, ca, nodeName = defaultNodeName } = options;
  try {
    const context = createSecureContext({ key, cert, ca, minVersion: "TLSv1.3" });
    return { context, options, nodeName };
  } catch (cause) {
    throw new RaftError("ERR_OPTION_INVALID", "Invalid options: tls cannot be used", { cause });
  }
}
