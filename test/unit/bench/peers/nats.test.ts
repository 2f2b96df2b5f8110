import assert from "node:assert/strict";
import { test } from "node:test";
import { natsConfig, takesSyncAlways } from "../../../../bench/peers/nats.ts";

const place = {
  name: "m2",
  storeDir: '/tmp/a "quoted" place',
  clientPort: 4001,
  routePort: 5002,
  routePorts: [5001, 5002, 5003],
};

test("a NATS server is told to fsync every write where it can be", () => {
  assert.equal(takesSyncAlways("nats-server: v2.9.10"), false);
  assert.equal(takesSyncAlways("nats-server: v2.10.0"), true);
  assert.equal(takesSyncAlways("nats-server: v3.0.1"), true);
  assert.equal(takesSyncAlways("what is this"), false);
  assert.match(natsConfig(place, true), /^ {2}sync_interval: always$/m);
  assert.doesNotMatch(natsConfig(place, false), /sync_interval/);
});

test("a NATS server's configuration names its own ports, its directory and all routes", () => {
  const config = natsConfig(place, false);
  assert.match(config, /^listen: "127\.0\.0\.1:4001"$/m);
  assert.match(config, /^ {2}listen: "127\.0\.0\.1:5002"$/m);
  assert.ok(config.includes('store_dir: "/tmp/a \\"quoted\\" place"'));
  for (const port of place.routePorts) assert.ok(config.includes(`nats://127.0.0.1:${port}`));
});
