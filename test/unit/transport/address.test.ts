import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describeAddressFault,
  formatAddress,
  isWildcard,
  parseAddress,
} from "../../../src/transport/address.ts";

const good = {
  "127.0.0.1:7000": { host: "127.0.0.1", port: 7000 },
  "node-1.db.example:1": { host: "node-1.db.example", port: 1 },
  "under_score:65535": { host: "under_score", port: 65_535 },
  "[::1]:7000": { host: "::1", port: 7000 },
  "[fe80::1%eth0]:7000": { host: "fe80::1%eth0", port: 7000 },
};

test("an address is read, and written as it was", () => {
  for (const [text, address] of Object.entries(good)) {
    assert.deepEqual(parseAddress(text), address);
    assert.equal(formatAddress(address), text);
    assert.equal(describeAddressFault(text), undefined);
  }
});

test("what cannot be dialled is no address, and it is said why", () => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    ["host", /host:port/],
    ["host:", /host:port/],
    [":1", /host:port/],
    ["a b:1", /host:port/],
    ["::1:80", /host:port/],
    ["", /host:port/],
    [7000, /host:port/],
    [undefined, /host:port/],
    ["host:0", /port from 1 to 65535, not 0/],
    ["host:65536", /port from 1 to 65535, not 65536/],
    ["host:99999", /not 99999/],
    ["[not]:1", /no IPv6/],
    ["[1.2.3.4]:5", /no IPv6/],
    ["256.1.1.1:5", /no name and no address/],
    ["1.2.3:5", /no name and no address/],
    ["-x:5", /no name and no address/],
    [`${"x".repeat(300)}:5`, /no name and no address/],
    ["0.0.0.0:5", /every address/],
    ["[::]:5", /every address/],
    ["[0:0:0:0:0:0:0:0]:5", /every address/],
  ];
  for (const [text, message] of bad) {
    assert.match(describeAddressFault(text) ?? "none", message, String(text));
    if (typeof text !== "string") continue;
    assert.throws(() => parseAddress(text), { code: "ERR_OPTION_INVALID" }, text);
  }
  assert.equal(isWildcard("::1"), false);
});
