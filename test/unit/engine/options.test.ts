import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { RaftError, limits } from "../../../src/base/index.ts";
import { Engine } from "../../../src/engine/engine.ts";
import {
  advertisedAddress,
  advertisedPorts,
  checkShardPorts,
} from "../../../src/engine/listen-options.ts";
import { engineOptionTable, resolveEngineOptions } from "../../../src/engine/options.ts";
import type { EngineOptions } from "../../../src/engine/options.ts";

const good: EngineOptions = {
  cluster: "test",
  node: "a",
  dir: "/tmp/a",
  listen: { host: "127.0.0.1", port: 0 },
  stateMachine: new URL("file:///machine.js"),
};

function faultsOf(options: unknown): readonly string[] {
  try {
    // As plain JavaScript may call it.
    Reflect.apply(resolveEngineOptions, undefined, [options]);
  } catch (error) {
    assert.ok(error instanceof RaftError && error.code === "ERR_OPTION_INVALID");
    assert.equal(error.outcome, "none");
    assert.match(error.remedy, /correct it/);
    return error.details.faults ?? [error.message];
  }
  return [];
}

test("options are filled in with their defaults and the number of shards is settled", () => {
  const { tuning, recover, peers } = resolveEngineOptions(good);
  assert.equal(tuning.shards, 0, "the data directory says how many");
  assert.equal(tuning.durability, "strict");
  assert.equal(tuning.electionTicks, 10);
  assert.equal(recover, "all");
  assert.deepEqual(peers, {});
});

test("all faults of a call are reported at once, each with its option and value", () => {
  const faults = faultsOf({
    cluster: "",
    node: "a b",
    dir: "",
    listen: { host: "", port: 70_000, shardPorts: [1, -1] },
    stateMachine: "machine.js",
    recover: "some",
    secret: "",
    peers: { "b c": "127.0.0.1:1", b: "nowhere" },
    shards: 1_000,
    durability: "often",
    tickMs: 1.5,
    timeoutMs: "soon",
    unknownOption: 1,
  });
  const expected = [
    /^cluster must be a string of 1 to 128/,
    /^node must be 1 to 64 characters .* got "a b"/,
    /^dir must be/,
    /^listen needs a host/,
    /^listen needs a port from 0 to 65535, got 70000/,
    /^listen has shardPorts/,
    /^stateMachine must be a URL/,
    /^recover must be/,
    /^secret must be/,
    /^peers names a node that/,
    /^peers gives b the address "nowhere"/,
    /^shards must be from 0 to 256 threads, got 1000/,
    /^durability must be one of strict, pipelined, none, got "often"/,
    /^tickMs must be an integer, got 1.5/,
    /^timeoutMs must be an integer, got "soon"/,
    /^unknownOption is not an option/,
  ];
  for (const pattern of expected) {
    assert.equal(faults.filter((fault) => pattern.test(fault)).length, 1, String(pattern));
  }
  assert.equal(faults.length, expected.length, faults.join("\n"));
});

test("a node may have as many shards as a greeting can name", () => {
  assert.equal(engineOptionTable.shards.max, limits.shardsMax);
});

test("options that contradict one another are a fault", () => {
  const [fault] = faultsOf({ ...good, electionTicks: 5, heartbeatTicks: 5 });
  assert.match(fault ?? "", /electionTicks must be above heartbeatTicks \(5\), got 5/);
});

test("no options, or none at all of what is needed, is a fault and not a crash", () => {
  for (const nothing of [undefined, null, 7, "options"]) {
    assert.deepEqual(faultsOf(nothing), ["Engine.open needs an options object"]);
  }
  assert.ok(faultsOf({}).length >= 5);
  assert.ok(faultsOf({ ...good, listen: null, peers: 7 }).length === 2);
});

test("addresses of peers and of this node are checked before anything is opened", () => {
  const base = { cluster: "c", node: "a", dir: "d", stateMachine: new URL("file:///machine.js") };
  const listen = { host: "127.0.0.1", port: 0 };
  const faults = faultsOf({
    ...base,
    listen,
    advertise: { host: "0.0.0.0", port: 0, shardPorts: [0] },
    peers: { b: "host:99999", c: "host:0", d: "[not]:1", e: "0.0.0.0:7000" },
  });
  assert.match(faults.join("\n"), /advertise has the host "0.0.0.0".*every address/);
  assert.match(faults.join("\n"), /advertise needs a port from 1 to 65535, got 0/);
  assert.match(faults.join("\n"), /advertise has shardPorts/);
  for (const node of ["b", "c", "d", "e"]) {
    assert.ok(
      faults.some((fault) => fault.startsWith(`peers gives ${node} the address`)),
      node,
    );
  }
});

test("a host to listen on is checked as one that is dialled is, and may be a wildcard", () => {
  const base = { cluster: "c", node: "a", dir: "d", stateMachine: new URL("file:///machine.js") };
  const faults = (host: unknown): readonly string[] =>
    faultsOf({ ...base, listen: { host, port: 0 } });
  for (const host of ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%eth0", "localhost", "db_1.a"]) {
    assert.deepEqual(faults(host), [], host);
  }
  assert.match(faults("[::1]").join(), /listen needs a host, got "\[::1\]": .*without brackets/);
  for (const host of ["256.1.1.1", "a b", "127.0.0.1:7000", "http://a", "::1:7000x", ""]) {
    assert.match(faults(host).join(), /^listen needs a host, got .*no name and no address$/, host);
  }
});

test("settings that do not exist are refused within listen, advertise and tls, too", () => {
  const tls = { key: "k", cert: "c", ca: "a", servername: 5, rejectUnauthorized: false };
  const faults = faultsOf({
    ...good,
    listen: { host: "::1", port: 0, hots: "a" },
    advertise: { host: "db1", Port: 7000 },
    tls,
  });
  assert.deepEqual([...faults].sort(), [
    "advertise has no setting Port",
    "listen has no setting hots",
    "tls has a servername that is no name",
    "tls has no setting rejectUnauthorized",
  ]);
});

test("an engine that is not opened is a fault of options, and no TypeError", () => {
  assert.throws(() => Reflect.construct(Engine, []), { code: "ERR_OPTION_INVALID" });
});

test("a wildcard is never told to peers, and an IPv6 address is told in brackets", () => {
  const at = (host: string, advertise?: EngineOptions["advertise"]): string =>
    advertisedAddress({ listen: { host, port: 0 }, advertise }, 7000);
  assert.equal(at("127.0.0.1"), "127.0.0.1:7000");
  assert.equal(at("::1"), "[::1]:7000");
  for (const wildcard of ["0.0.0.0", "::"]) {
    assert.equal(at(wildcard), `${hostname()}:7000`);
    assert.equal(at(wildcard, { host: "db1.example", port: 31_000 }), "db1.example:31000");
  }
  const told = (ports: "each" | "one", bound: readonly (number | undefined)[]): number[] => {
    const places = { listen: { host: "::", port: 7000 }, advertise: { port: 31_000 } };
    return advertisedPorts(resolveEngineOptions({ ...good, ...places, ports }), bound);
  };
  assert.deepEqual(told("each", [7000, 7001, undefined]), [31_000, 7001, 0]);
  assert.deepEqual(told("one", [7000, undefined, 7000]), [31_000, 0, 31_000]);
});

test("ports of shards that do not fit the number of shards are a fault of options", () => {
  const listen = { host: "::1", port: 7000 };
  const check = (shardPorts: number[], shards: number): void =>
    checkShardPorts(
      { listen: { ...listen, shardPorts }, advertise: { shardPorts } },
      { shards, ports: "each" },
    );
  check([7001, 7002], 3);
  check([], 1);
  check([0, 0], 3);
  assert.throws(() => check([7001], 3), {
    code: "ERR_OPTION_INVALID",
    message: /listen has 1 shardPorts; 3 shards need 2.*advertise has 1 shardPorts/,
  });
  assert.throws(() => check([7001, 7002], 2), { code: "ERR_OPTION_INVALID" });
  assert.throws(() => check([7000], 2), { message: /listen names one port twice/ });
  const shared = { shards: 2, ports: "one" } as const;
  checkShardPorts({ listen, advertise: { port: 7 } }, shared);
  assert.throws(() => checkShardPorts({ listen: { ...listen, shardPorts: [7001] } }, shared), {
    code: "ERR_OPTION_INVALID",
    message: /listen has shardPorts, but with ports "one" there are none/,
  });
});
