// The official client comes back to its session and has missed nothing (protocol.md §20).
import { after, afterEach, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import net from "node:net";
import { Server, client, closeAll, connected, next, transports } from "./client.mjs";

const server = new Server("--recovery", "120000");
before(() => server.start());
after(() => server.stop());
afterEach(closeAll);

const call = (socket, event, ...args) => socket.timeout(5000).emitWithAck(event, ...args);

/** Loses the connection below, and waits until the server knows; no reconnection by itself. */
async function lose(socket) {
  const { id } = socket;
  const left = next(socket, "disconnect");
  socket.io.engine.close();
  await left;
  await server.reasons(id);
  return id;
}

/** Everything that arrives under a name, without its offset. */
function collect(socket, event) {
  const all = [];
  socket.on(event, (...args) => all.push(args.slice(0, -1)));
  return all;
}

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    const join = async (namespace = "/") =>
      connected(client(server, namespace, transport), transport);
    const back = async (socket) => connected(socket.connect(), transport);

    test("id, rooms and events that were missed are there again, in order", async () => {
      const [socket, other] = [await join(), await join()];
      assert.ok(!socket.recovered);
      await call(socket, "join", "r");
      const said = collect(socket, "said");
      const id = await lose(socket);
      for (let n = 0; n < 50; n++) other.emit("to-room", "r", `missed ${n}`);
      other.emit("to-room", "another", "not for us");
      other.emit("everyone", "last");
      await call(other, "add", 1, 1);
      await back(socket);
      assert.ok(socket.recovered);
      assert.equal(socket.id, id);
      assert.ok(await call(socket, "recovered"));
      assert.deepEqual(await call(socket, "rooms"), ["r"]);
      const expected = [...Array(50).keys()].map((n) => [`missed ${n}`]).concat([["last"]]);
      assert.deepEqual(said, expected);
      other.emit("to-room", "r", "live");
      await next(socket, "said");
      assert.deepEqual(said, [...expected, ["live"]]);
    });

    test("binary that was missed", async () => {
      const [socket, other] = [await join(), await join()];
      await call(socket, "join", "b");
      const id = await lose(socket);
      other.emit("binary-to-room", "b", Buffer.from([1, 2, 3]));
      await call(other, "add", 1, 1);
      const got = new Promise((resolve) => socket.onAny((...args) => resolve(args)));
      await back(socket);
      const [, bytes] = await got;
      assert.deepEqual(Buffer.from(bytes), Buffer.from([1, 2, 3]));
      assert.equal(socket.id, id);
    });

    test("a client that has never received anything recovers too", async () => {
      const socket = await join("/quiet");
      const id = await lose(socket);
      await back(socket);
      assert.ok(socket.recovered);
      assert.equal(socket.id, id);
    });

    test("who has left comes back as somebody else", async () => {
      const socket = await join();
      const { id } = socket;
      socket.disconnect();
      await server.reasons(id);
      await back(socket);
      assert.ok(!socket.recovered);
      assert.notEqual(socket.id, id);
    });
  });
}

/** Carries connections to the server; can lose the client's side so that the server sees nothing. */
class Proxy {
  async start() {
    this.pairs = [];
    this.listener = net.createServer((near) => {
      const far = net.connect(server.port, "127.0.0.1");
      near.on("data", (bytes) => far.write(bytes));
      far.on("data", (bytes) => near.destroyed || near.write(bytes));
      far.on("close", () => near.destroy());
      for (const side of [near, far]) side.on("error", () => {});
      this.pairs.push({ near, far });
    });
    await new Promise((resolve) => this.listener.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.listener.address().port}`;
  }

  lose() {
    for (const { near } of this.pairs) near.destroy();
  }

  stop() {
    for (const { near, far } of this.pairs) {
      near.destroy();
      far.destroy();
    }
    this.listener.close();
  }
}

test("a connection whose loss the server has not seen is taken over", async () => {
  const proxy = new Proxy();
  await proxy.start();
  try {
    const socket = await connected(client(proxy, "/", "websocket"), "websocket");
    const other = await connected(client(server, "/", "websocket"), "websocket");
    await call(socket, "join", "t");
    const said = collect(socket, "said");
    const { id } = socket;
    const left = next(socket, "disconnect");
    proxy.lose();
    await left;
    other.emit("to-room", "t", "into the void");
    await call(other, "add", 1, 1);
    await connected(socket.connect(), "websocket");
    assert.ok(socket.recovered);
    assert.equal(socket.id, id);
    assert.deepEqual(said, [["into the void"]]);
    const reasons = (await server.reasons(id)).slice(0, 2);
    assert.deepEqual(reasons, ["disconnecting:transport close", "disconnect:transport close"]);
  } finally {
    proxy.stop();
  }
});
