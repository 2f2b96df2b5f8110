/**
 * The greeting: what is said on a fresh connection before anything else. Each is one frame.
 *
 *      dialler                                acceptor
 *      Hello      ───────────────────────────►
 *                 ◄─────────────────────────── Welcome, or Refusal and the end
 *      Proof      ───────────────────────────►            only where both have the shared secret
 *      frames     ───────────────────────────►
 *                 ◄─────────────────────────── signals: what was sent has been heard
 *
 * All are positional arrays; fields that a newer version appends are ignored. The Welcome's fields
 * travel as one byte string, so that both ends compute the proofs over the bytes as sent and nobody
 * has to encode anything twice the same way.
 */
import { isNodeId, limits } from "../base/index.ts";
import type { Incarnation, NodeId, ShardId } from "../base/index.ts";
import { bodyKind } from "./body-kind.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { FieldReader } from "./field-reader.ts";
import { encodeFrame } from "./frame.ts";
import { frameInvalid } from "./frame-invalid.ts";
import { commonVersion, protocolMagic } from "./version.ts";

/** The body of a greeting. A stranger gets no more memory than this. */
export const greetingBytesMax = 4_096;
export const nonceBytes = 32;
export const clusterLengthMax = 128;
const refusalTextMax = 512;
const portMax = 65_535;

/**
 * What a connection is for. `directory` asks for the Welcome only, and is closed when it came.
 * Sent; never renumber.
 */
export const greetingLane = { control: 0, data: 1, directory: 2 } as const;
export type GreetingLane = keyof typeof greetingLane;

/** Why an acceptor turns a dialler away. Sent; never renumber. */
export const refusalReason = {
  clusterMismatch: 1,
  nodeMismatch: 2,
  shardMismatch: 3,
  versionUnsupported: 4,
  proofInvalid: 5,
  selfConnection: 6,
  nodeInUse: 7,
  certificateMismatch: 8,
} as const;
export type RefusalReason = keyof typeof refusalReason;

export interface Hello {
  readonly versionMin: number;
  readonly versionMax: number;
  readonly cluster: string;
  readonly node: NodeId;
  readonly incarnation: Incarnation;
  readonly shard: ShardId;
  /** Number of shards of the dialler's node. */
  readonly shards: number;
  /** Whom the dialler believes to have reached. */
  readonly targetNode: NodeId;
  readonly targetShard: ShardId;
  readonly lane: GreetingLane;
  /** The longest body that the dialler would accept. */
  readonly frameBytesMax: number;
  readonly nonce: Uint8Array;
  /** Drawn by the dialler's process when it starts: tells two processes of one node apart. */
  readonly instance: number;
}

export interface Welcome {
  readonly version: number;
  readonly node: NodeId;
  readonly incarnation: Incarnation;
  readonly shard: ShardId;
  /** Ports of all shards of the acceptor's node, by shard. */
  readonly ports: readonly number[];
  /** The longest body that the acceptor accepts. */
  readonly frameBytesMax: number;
  readonly nonce: Uint8Array;
  /** Of the acceptor's process. */
  readonly instance: number;
}

/** A Hello that shares no version with this end: nothing else of it can be read. */
export interface ForeignHello {
  readonly versionMin: number;
  readonly versionMax: number;
}

export type Greeting =
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "foreignHello"; readonly hello: ForeignHello }
  | {
      readonly kind: "welcome";
      readonly welcome: Welcome;
      /** The Welcome's fields as sent: what the proofs are computed over. */
      readonly welcomeBytes: Uint8Array;
      /** Empty where the acceptor has no secret. */
      readonly proof: Uint8Array;
    }
  | { readonly kind: "refusal"; readonly reason: RefusalReason | "unknown"; readonly text: string }
  | { readonly kind: "proof"; readonly proof: Uint8Array };

export function encodeHello(hello: Hello): Uint8Array {
  return encodeFrame([
    bodyKind.hello,
    protocolMagic,
    hello.versionMin,
    hello.versionMax,
    hello.cluster,
    hello.node,
    hello.incarnation,
    hello.shard,
    hello.shards,
    hello.targetNode,
    hello.targetShard,
    greetingLane[hello.lane],
    hello.frameBytesMax,
    hello.nonce,
    hello.instance,
  ]);
}

/** The Welcome's fields as the byte string that `encodeWelcome` puts into its frame. */
export function encodeWelcomeBytes(welcome: Welcome): Uint8Array {
  return encodeCbor([
    welcome.version,
    welcome.node,
    welcome.incarnation,
    welcome.shard,
    welcome.ports.length,
    welcome.ports,
    welcome.frameBytesMax,
    welcome.nonce,
    welcome.instance,
  ]);
}

export function encodeWelcome(welcomeBytes: Uint8Array, proof: Uint8Array): Uint8Array {
  return encodeFrame([bodyKind.welcome, welcomeBytes, proof]);
}

export function encodeRefusal(reason: RefusalReason, text: string): Uint8Array {
  return encodeFrame([bodyKind.refusal, refusalReason[reason], text.slice(0, refusalTextMax)]);
}

export function encodeProof(proof: Uint8Array): Uint8Array {
  return encodeFrame([bodyKind.proof, proof]);
}

/**
 * Reads a greeting's body.
 * @throws ERR_FRAME_INVALID
 */
export function readGreeting(body: Uint8Array): Greeting {
  const fields = readArray(body, "greeting");
  const kind = fields.integer("kind");
  switch (kind) {
    case bodyKind.hello:
      return readHello(fields);
    case bodyKind.welcome: {
      const welcomeBytes = fields.bytes("fields");
      const proof = fields.bytes("proof");
      return { kind: "welcome", welcome: readWelcome(welcomeBytes), welcomeBytes, proof };
    }
    case bodyKind.refusal: {
      const reason = readRefusalReason(fields.integer("reason"));
      return { kind: "refusal", reason, text: fields.text("text", refusalTextMax) };
    }
    case bodyKind.proof:
      return { kind: "proof", proof: fields.bytes("proof") };
    default:
      throw frameInvalid(`a frame of kind ${kind} where a greeting was due`);
  }
}

function readHello(fields: FieldReader): Greeting {
  fields.owner = "hello";
  const magic = fields.text("magic", protocolMagic.length);
  if (magic !== protocolMagic) throw frameInvalid("a hello of another protocol");
  const versionMin = fields.integer("versionMin");
  const versionMax = fields.integer("versionMax");
  if (commonVersion(versionMin, versionMax) === undefined) {
    return { kind: "foreignHello", hello: { versionMin, versionMax } };
  }
  const hello: Hello = {
    versionMin,
    versionMax,
    cluster: fields.text("cluster", clusterLengthMax),
    node: readNodeId(fields, "node"),
    incarnation: fields.integer("incarnation"),
    shard: readShard(fields, "shard"),
    shards: fields.integerIn("shards", 1, limits.shardsMax),
    targetNode: readNodeId(fields, "targetNode"),
    targetShard: readShard(fields, "targetShard"),
    lane: readLane(fields.integer("lane")),
    frameBytesMax: fields.integerIn("frameBytesMax", 1, 0xffff_ffff),
    nonce: readNonce(fields),
    instance: fields.integer("instance"),
  };
  return { kind: "hello", hello };
}

function readWelcome(bytes: Uint8Array): Welcome {
  const fields = readArray(bytes, "welcome");
  const version = fields.integer("version");
  const node = readNodeId(fields, "node");
  const incarnation = fields.integer("incarnation");
  const shard = readShard(fields, "shard");
  const shards = fields.integerIn("shards", 1, limits.shardsMax);
  const listed = new FieldReader(fields.list("ports"), "ports of a welcome");
  const ports: number[] = [];
  while (listed.at < listed.end) ports.push(listed.integerIn("port", 0, portMax));
  if (ports.length !== shards || shard >= shards) {
    throw frameInvalid(`a welcome of shard ${shard} of ${shards} with ${ports.length} ports`);
  }
  if (ports[shard] === 0) throw frameInvalid(`a welcome of shard ${shard}, which it says is down`);
  const frameBytesMax = fields.integerIn("frameBytesMax", 1, 0xffff_ffff);
  const nonce = readNonce(fields);
  const instance = fields.integer("instance");
  return { version, node, incarnation, shard, ports, frameBytesMax, nonce, instance };
}

function readArray(bytes: Uint8Array, owner: string): FieldReader {
  const values = decodeCbor(bytes);
  if (!Array.isArray(values)) throw frameInvalid(`a ${owner} is not a CBOR array`);
  return new FieldReader(values, owner);
}

function readNodeId(fields: FieldReader, field: string): NodeId {
  const value = fields.text(field, 64);
  if (!isNodeId(value)) throw frameInvalid(`${fields.owner}: ${field} is not a node id`);
  return value;
}

function readShard(fields: FieldReader, field: string): ShardId {
  return fields.integerIn(field, 0, limits.shardsMax - 1);
}

function readNonce(fields: FieldReader): Uint8Array {
  const nonce = fields.bytes("nonce");
  if (nonce.length !== nonceBytes) throw frameInvalid(`a nonce of ${nonce.length} bytes`);
  return nonce;
}

function readLane(number: number): GreetingLane {
  switch (number) {
    case greetingLane.control:
      return "control";
    case greetingLane.data:
      return "data";
    case greetingLane.directory:
      return "directory";
    default:
      throw frameInvalid(`a hello for lane ${number}`);
  }
}

function readRefusalReason(number: number): RefusalReason | "unknown" {
  switch (number) {
    case refusalReason.clusterMismatch:
      return "clusterMismatch";
    case refusalReason.nodeMismatch:
      return "nodeMismatch";
    case refusalReason.shardMismatch:
      return "shardMismatch";
    case refusalReason.versionUnsupported:
      return "versionUnsupported";
    case refusalReason.proofInvalid:
      return "proofInvalid";
    case refusalReason.selfConnection:
      return "selfConnection";
    case refusalReason.nodeInUse:
      return "nodeInUse";
    case refusalReason.certificateMismatch:
      return "certificateMismatch";
    default:
      return "unknown";
  }
}
