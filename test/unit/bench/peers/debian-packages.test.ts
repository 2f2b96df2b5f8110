import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePackages } from "../../../../bench/peers/debian-packages.ts";

const listed = `etcd-server 3.4.23-4+b4 installed
golang-go 2:1.19~1 installed
nats-server 2.9.10-1 config-files
`;

test("parsePackages() has the versions in the order asked for", () => {
  const versions = parsePackages(listed, ["golang-go", "etcd-server"]);
  assert.deepEqual(versions, ["2:1.19~1", "3.4.23-4+b4"]);
});

test("parsePackages() takes a package that was removed, or is unknown, as missing", () => {
  assert.equal(parsePackages(listed, ["etcd-server", "nats-server"]), undefined);
  assert.equal(parsePackages(listed, ["etcd-server", "redis-server"]), undefined);
  assert.equal(parsePackages("", ["etcd-server"]), undefined);
});
