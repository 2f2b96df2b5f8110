import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  OkCounter,
  bulkOf,
  cpuMicrosOf,
  redisVersionOf,
} from "../../../../bench/peers/redis-replies.ts";

describe("OkCounter", () => {
  it("counts each reply once, wherever the stream is cut", () => {
    const stream = Buffer.from("+OK\r\n".repeat(7));
    for (let size = 1; size <= stream.length; size++) {
      const counter = new OkCounter();
      let count = 0;
      for (let at = 0; at < stream.length; at += size) {
        count += counter.take(stream.subarray(at, at + size));
        assert.equal(count, Math.floor(Math.min(at + size, stream.length) / 5));
      }
      assert.equal(count, 7);
    }
  });

  it("shows a reply that is an error", () => {
    const counter = new OkCounter();
    assert.throws(
      () => counter.take(Buffer.from("+OK\r\n-MISCONF disk full\r\n")),
      /redis answered "\+OK\\r\\n-MISCONF disk full/,
    );
  });
});

describe("a bulk reply", () => {
  it("is known when it is whole", () => {
    const reply = "$12\r\nline\r\nline\r\n\r\n";
    for (let length = 0; length < reply.length; length++) {
      assert.equal(bulkOf(reply.slice(0, length)), undefined, `${length}`);
    }
    assert.equal(bulkOf(reply), "line\r\nline\r\n");
  });

  it("of another kind is an error", () => {
    assert.throws(() => bulkOf("-LOADING dataset\r\n"), /redis answered -LOADING dataset$/);
  });
});

it("the server's CPU time is that of kernel and user, of its own threads", () => {
  const info = [
    "# CPU",
    "used_cpu_sys:0.250000",
    "used_cpu_user:1.500001",
    "used_cpu_sys_children:9.000000",
    "used_cpu_user_children:9.000000",
    "used_cpu_sys_main_thread:0.1",
    "",
  ].join("\r\n");
  assert.equal(Math.round(cpuMicrosOf(info)), 1_750_001);
  assert.throws(() => cpuMicrosOf("# CPU\r\nused_cpu_sys:1\r\n"), /used_cpu_user/);
});

it("the version is told from the sum of its sources", () => {
  const text = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=de4f";
  assert.equal(redisVersionOf(text), "7.0.15");
  assert.equal(redisVersionOf("command not found"), undefined);
});
