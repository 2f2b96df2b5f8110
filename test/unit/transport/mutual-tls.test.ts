import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { TcpTransport } from "../../../src/transport/index.ts";
import type { TlsOptions } from "../../../src/transport/index.ts";
import { encodeFrame } from "../../../src/wire/index.ts";
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

/** Of the machine that runs the tests, so not among our packages. */
const program = "openssl";

/** A throwaway authority and one certificate of it for 127.0.0.1, made here. */
function makeCertificates(): TlsOptions {
  const directory = mkdtempSync(join(tmpdir(), "flotilla-tls-"));
  const at = (name: string): string => join(directory, name);
  const openssl = (...given: readonly string[]): void => {
    execFileSync(program, given, { stdio: "ignore" });
  };
  try {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const authority = ["-keyout", at("ca.key"), "-out", at("ca.crt"), "-subj", "/CN=authority"];
    openssl("req", "-x509", ...curve, "-days", "2", ...authority);
    const request = ["-keyout", at("node.key"), "-out", at("node.csr"), "-subj", "/CN=node"];
    openssl("req", ...curve, ...request);
    writeFileSync(at("san.cnf"), "subjectAltName=IP:127.0.0.1,DNS:node.test\n");
    const signing = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2"];
    const extensions = ["-extfile", at("san.cnf")];
    openssl(
      "x509",
      "-req",
      "-in",
      at("node.csr"),
      "-out",
      at("node.crt"),
      ...signing,
      ...extensions,
    );
    const read = (name: string): string => readFileSync(at(name), "utf8");
    return { key: read("node.key"), cert: read("node.crt"), ca: read("ca.crt") };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const tls = makeCertificates();

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
  const stranger = await startNode(t, "b", { tls: makeCertificates() });
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
  const other = makeCertificates();
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
  await RawPeer.dial(t, a.transport.port);
  await RawPeer.dial(t, a.transport.port);
  const extra = await RawPeer.dial(t, a.transport.port);
  await extra.end();
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
