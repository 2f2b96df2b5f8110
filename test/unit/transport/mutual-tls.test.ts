import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { alternativeNames } from "../../../src/transport/certificate-names.ts";
import { TcpTransport } from "../../../src/transport/index.ts";
import type { TlsOptions } from "../../../src/transport/index.ts";
import { encodeFrame } from "../../../src/wire/index.ts";
import { TestAuthority } from "./test-authority.ts";
import {
  RawPeer,
  addressOf,
  bodyOfParts,
  frameInParts,
  linkUp,
  optionsOf,
  refusedOf,
  startNode,
  until,
} from "./transport-rig.ts";
import type { Shard } from "./transport-rig.ts";

const authority = new TestAuthority();
const tls = authority.issue(["DNS:a", "DNS:b", "DNS:c", "DNS:node.test"]);

test("nodes with certificates of one authority reach each other", async (t) => {
  const a = await startNode(t, "a", { tls, secret: "and a secret" });
  const b = await startNode(t, "b", { tls, secret: "and a secret" });
  a.transport.setPeers({ b: addressOf(b) });
  const link = await linkUp(a.transport, "b");
  link.send("data", [encodeFrame(Buffer.alloc(100_000))]);
  link.send("control", [encodeFrame("hello")]);
  await until("both arrived", () => b.recorder.frames.length === 2);
  link.send("data", frameInParts);
  await until("a frame in parts arrived", () => b.recorder.frames.length === 3);
  assert.deepEqual(b.recorder.values[2], bodyOfParts);
  assert.equal(b.transport.stats().connectionsOpen, 2);
  await b.transport.close();
  await until("the link is down", () => !link.up);
  assert.equal(b.transport.stats().connectionsOpen, 0);
});

test("a node of another authority is refused by both sides", async (t) => {
  const a = await startNode(t, "a", { tls });
  const stranger = await startNode(t, "b", { tls: new TestAuthority().issue(["DNS:b"]) });
  a.transport.setPeers({ b: addressOf(stranger) });
  a.transport.link("b", 0);
  await until("a refused it", () => (refusedOf(a)["tlsFailed"] ?? 0) > 0);
  stranger.transport.setPeers({ a: addressOf(a) });
  stranger.transport.link("a", 0);
  await until("it refused a", () => (refusedOf(stranger)["tlsFailed"] ?? 0) > 0);
  assert.deepEqual([...a.recorder.ups, ...stranger.recorder.ups], []);
});

test("a dialler whose authority trusts us, but not we it, is refused", async (t) => {
  const a = await startNode(t, "a", { tls });
  const other = new TestAuthority().issue(["DNS:b"]);
  const stranger = await startNode(t, "b", { tls: { ...other, ca: tls.ca } });
  stranger.transport.setPeers({ a: addressOf(a) });
  stranger.transport.link("a", 0);
  await until("a refused it", () => (refusedOf(a)["tlsFailed"] ?? 0) > 0);
  assert.equal(stranger.transport.link("a", 0), undefined);
  assert.deepEqual(a.recorder.frames, []);
});

test("bytes that are no TLS close their own connection only, and are bounded like all strangers", async (t) => {
  const a = await startNode(t, "a", { tls, ungreetedMax: 2 });
  const b = await startNode(t, "b", { tls });
  b.transport.setPeers({ a: addressOf(a) });
  const link = await linkUp(b.transport, "a");
  const plain = await RawPeer.dial(t, a.transport.port);
  plain.write(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  await plain.end();
  assert.deepEqual(refusedOf(a), { tlsFailed: 1 });
  await until("two are left", () => a.transport.stats().connectionsOpen === 2);
  const oldest = await RawPeer.dial(t, a.transport.port);
  await RawPeer.dial(t, a.transport.port);
  await RawPeer.dial(t, a.transport.port);
  await oldest.end();
  assert.equal(refusedOf(a)["tooManyUngreeted"], 1);
  link.send("data", [encodeFrame("still here")]);
  await until("it arrives", () => a.recorder.values.length === 1);
});

test("a certificate's name may be given where it is not the host of the address", async (t) => {
  const named = { ...tls, servername: "node.test" };
  const a = await startNode(t, "a", { tls: named });
  const b = await startNode(t, "b", { tls: named });
  a.transport.setPeers({ b: addressOf(b) });
  await linkUp(a.transport, "b");
  const wrong = await startNode(t, "c", { tls: { ...tls, servername: "other.test" } });
  wrong.transport.setPeers({ b: addressOf(b) });
  wrong.transport.link("b", 0);
  await until("the name was refused", () => (refusedOf(wrong)["tlsFailed"] ?? 0) > 0);
});

test("certificates that cannot be used are a fault of options", () => {
  const broken = optionsOf("a", { tls: { ...tls, key: "no key" } });
  assert.throws(() => new TcpTransport(broken), { code: "ERR_OPTION_INVALID", message: /tls/ });
});

/** Two nodes with a certificate each, of which the first dials the second. */
async function dialWith(
  t: TestContext,
  certificates: { readonly a: TlsOptions; readonly b: TlsOptions },
): Promise<{ a: Shard; b: Shard }> {
  const a = await startNode(t, "a", { tls: certificates.a });
  const b = await startNode(t, "b", { tls: certificates.b });
  a.transport.setPeers({ b: addressOf(b) });
  a.transport.link("b", 0);
  return { a, b };
}

const named = {
  "a DNS name": { patterns: undefined, of: (node: string) => authority.issue([`DNS:${node}`]) },
  "a URI": {
    patterns: "spiffe://example/db/{node}",
    of: (node: string) => authority.issue([`URI:spiffe://example/db/${node}`]),
  },
  "the common name": { patterns: undefined, of: (node: string) => authority.issue([], node) },
  "a name that all nodes share": {
    patterns: "db.example",
    of: () => authority.issue(["DNS:db.example"]),
  },
};

for (const [what, { patterns: nodeName, of }] of Object.entries(named)) {
  test(`a certificate names its node with ${what}`, async (t) => {
    const { a } = await dialWith(t, { a: { ...of("a"), nodeName }, b: { ...of("b"), nodeName } });
    await linkUp(a.transport, "b");
  });
}

test("a node whose certificate names another node is refused, told so, and learns nothing", async (t) => {
  const { a, b } = await dialWith(t, {
    a: authority.issue(["DNS:c", "DNS:aa", "URI:a:b"], "A"),
    b: authority.issue(["DNS:b"]),
  });
  const reason = "peerRefused:certificateMismatch";
  await until("it was refused", () => (refusedOf(a)[reason] ?? 0) > 0);
  assert.match(a.transport.faultOf("b")?.text ?? "", /your certificate names c, aa, a:b, A/);
  assert.equal(a.transport.link("b", 0), undefined);
  assert.deepEqual(b.recorder.frames, []);
  assert.equal(b.recorder.refusals[0]?.reason, "certificateMismatch");
  assert.equal(b.recorder.refusals[0]?.node, "a");
});

test("a node is not greeted where the certificate names another one", async (t) => {
  const { a, b } = await dialWith(t, {
    a: authority.issue(["DNS:a"]),
    b: authority.issue(["DNS:c"]),
  });
  await until("it was left", () => (refusedOf(a)["certificateMismatch"] ?? 0) > 0);
  assert.match(a.transport.faultOf("b")?.text ?? "", /names c, somebody, not the node/);
  assert.equal(b.transport.stats().bytesReceived, 0);
});

test("alternative names are read as they are quoted, so that no value brings in another", () => {
  const text = 'DNS:a, IP Address:127.0.0.1, URI:spiffe://x/b, DirName:"/CN=x, DNS:evil", DNS:c';
  assert.deepEqual(alternativeNames(text), ["a", "spiffe://x/b", "c"]);
  assert.deepEqual(alternativeNames('DNS:"a, DNS:evil", DNS:b'), ["b"]);
  assert.deepEqual(alternativeNames('DNS:a, othername:"odd" tail, DNS:evil'), ["a"]);
  assert.deepEqual(alternativeNames(""), []);
});

test("certificates are renewed while links are up, to those of another authority in two steps", async (t) => {
  const next = new TestAuthority();
  const both = authority.certificate + next.certificate;
  const a = await startNode(t, "a", { tls: authority.issue(["DNS:a"]) });
  const b = await startNode(t, "b", { tls: authority.issue(["DNS:b"]) });
  a.transport.setPeers({ b: addressOf(b) });
  b.transport.setPeers({ a: addressOf(a) });
  const link = await linkUp(a.transport, "b");
  const before = { a: authority.issue(["DNS:a"]), b: authority.issue(["DNS:b"]) };
  a.transport.renewCredentials({ tls: { ...before.a, ca: both } });
  b.transport.renewCredentials({ tls: { ...before.b, ca: both } });
  b.transport.renewCredentials({ tls: { ...next.issue(["DNS:b"]), ca: both } });
  await linkUp(b.transport, "a");
  a.transport.renewCredentials({ tls: next.issue(["DNS:a"]) });
  assert.deepEqual(a.recorder.downs, [], "what is up stays");
  a.transport.setPeers({});
  a.transport.setPeers({ b: addressOf(b) });
  await linkUp(a.transport, "b");
  assert.equal(link.up, false);
  const stranger = await startNode(t, "c", { tls: { ...authority.issue(["DNS:c"]), ca: both } });
  stranger.transport.setPeers({ a: addressOf(a) });
  stranger.transport.link("a", 0);
  await until("the old authority counts no longer", () => (refusedOf(a)["tlsFailed"] ?? 0) > 0);
  assert.deepEqual(stranger.recorder.ups, []);
});
