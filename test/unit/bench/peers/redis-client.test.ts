import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { test } from "node:test";
import { RedisClient, askRedis } from "../../../../bench/peers/redis-client.ts";

const commandPattern = /\*3\r\n\$3\r\nSET\r\n\$(\d+)\r\n([^\r]*)\r\n\$(\d+)\r\n([^\r]*)\r\n/y;

/** Listens as Redis would; closes with the connections that it has. */
async function listen(
  serve: (socket: Socket) => void,
): Promise<AsyncDisposable & { port: number }> {
  const sockets: Socket[] = [];
  const listener = createServer((socket) => {
    sockets.push(socket);
    // The client hangs up as it likes.
    socket.on("error", () => {});
    serve(socket);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

test("a client keeps its commands in flight, whole and one after the other", async () => {
  const keys: string[] = [];
  let stop = (): void => {};
  await using server = await listen((socket) => {
    let text = "";
    let unanswered = 0;
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      text += chunk;
      commandPattern.lastIndex = 0;
      let end = 0;
      for (
        let match = commandPattern.exec(text);
        match !== null;
        match = commandPattern.exec(text)
      ) {
        const [, keyLength, key = "", valueLength, value] = match;
        assert.deepEqual([Number(keyLength), Number(valueLength), value], [key.length, 3, "vvv"]);
        keys.push(key);
        unanswered += 1;
        end = commandPattern.lastIndex;
      }
      text = text.slice(end);
      if (keys.length > 100) stop();
      // As many as cut the client's ring of five at every place.
      const replies = Math.min(unanswered, (keys.length % 4) + 1);
      unanswered -= replies;
      socket.write("+OK\r\n".repeat(replies));
    });
  });
  const load = { port: server.port, number: 7, outstanding: 5, valueBytes: 3 };
  const client = await RedisClient.open(load);
  stop = () => client.stop();
  await client.run();
  assert.deepEqual(
    keys,
    keys.map((_, at) => `c007:00000${at % 5}`),
  );
  assert.ok(client.acknowledged >= keys.length - 5, `${client.acknowledged} of ${keys.length}`);
  assert.equal(client.latenciesUs.length, Math.floor(client.acknowledged / 5));
  client.restart();
  assert.deepEqual([client.acknowledged, client.latenciesUs], [0, []]);
});

test("a client fails with the server's error, and with its end", async () => {
  const load = { number: 0, outstanding: 2, valueBytes: 1 };
  await using failing = await listen((socket) => {
    socket.once("data", () => socket.write("-MISCONF disk full\r\n"));
  });
  const first = await RedisClient.open({ ...load, port: failing.port });
  await assert.rejects(first.run(), /MISCONF disk full/);
  await using ending = await listen((socket) => {
    socket.once("data", () => socket.end());
  });
  const second = await RedisClient.open({ ...load, port: ending.port });
  await assert.rejects(second.run(), /redis closed the connection/);
});

test("a question is answered once the answer is whole", async () => {
  await using server = await listen((socket) => {
    socket.setEncoding("latin1");
    socket.once("data", (question: string) => {
      assert.equal(question, "INFO cpu\r\n");
      socket.write("$4\r\nfo");
      socket.write("ur\r\n");
    });
  });
  assert.equal(await askRedis(server.port, "INFO cpu"), "four");
});
