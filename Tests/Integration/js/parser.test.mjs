// The official client with a parser of its own that writes MessagePack, and the server's.
import { after, afterEach, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Server, client, closeAll, connected, next, serverSays, transports, within } from "./client.mjs";
import * as parser from "./msgpack.mjs";

const server = new Server("--parser", "msgpack");
before(() => server.start());
after(() => server.stop());
afterEach(closeAll);

const buffer = (value) => {
  assert.ok(value instanceof ArrayBuffer, typeof value);
  return Buffer.from(value);
};

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    const open = (namespace = "/", options = {}) =>
      client(server, namespace, transport, { parser, ...options });
    const join = async (namespace, options) => connected(open(namespace, options), transport);
    const call = (socket, event, ...args) => socket.timeout(5000).emitWithAck(event, ...args);

    test("connects without auth, which is undefined on the wire, and with it", async () => {
      const none = open();
      assert.deepEqual(await next(none, "auth"), [{}]);
      assert.match(none.id, /^[A-Za-z0-9_-]{20}$/);
      const auth = { token: "x", deep: [1, { a: null, b: undefined }] };
      const socket = open("/", { auth });
      assert.deepEqual(await next(socket, "auth"), [{ token: "x", deep: [1, { a: null }] }]);
    });

    test("is refused with message and data", async () => {
      const [error] = await next(open("/auth", { auth: { token: "wrong" } }), "connect_error");
      assert.equal(error.message, "not authorized");
      assert.deepEqual(error.data, { code: "E_AUTH" });
      const [unknown] = await next(open("/nowhere"), "connect_error");
      assert.equal(unknown.message, "Invalid namespace");
    });

    test("events go both ways with every kind of JSON value", async () => {
      const socket = await join();
      const args = [
        "é\u2028\u{1f600}\0", 1, -2.5e-7, -1, -33, -200, -40000, -(2 ** 31) - 1, 200, 40000, 2 ** 31,
        2 ** 53 - 1, 1e300, null, true, false, [[]], { k: { l: [{}] } }, "x".repeat(300),
        "x".repeat(70000), Array(20).fill(1), Array(70000).fill(0),
        Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, index])),
      ];
      socket.emit("message", ...args);
      assert.deepEqual(await next(socket, "message-back"), args);
    });

    test("what JSON cannot say arrives as JSON.stringify has it", async () => {
      const socket = await join();
      const date = new Date(784111777000);
      const value = { date, gone: undefined, list: [undefined, NaN, date] };
      assert.deepEqual(await call(socket, "echo", value), JSON.parse(JSON.stringify(value)));
    });

    test("acks both ways, with and without arguments", async () => {
      const socket = await join();
      assert.equal(await call(socket, "add", 2, 3), 5);
      assert.equal(await call(socket, "optional", "a"), "a:none");
      assert.equal(await call(socket, "optional", "a", undefined), "a:none");
      const none = await within(
        new Promise((resolve) => socket.emit("echo", (...all) => resolve(all))), "ack",
      );
      assert.deepEqual(none, []);
      socket.once("question", (value, answer) => answer(value * 2));
      socket.emit("ask-me", 21);
      assert.deepEqual(await next(socket, "answer"), [42]);
    });

    test("binary: Buffer as bin, ArrayBuffer and typed arrays as extensions, nested", async () => {
      const socket = await join();
      const bytes = Uint8Array.from([1, 2, 255]);
      for (const value of [Buffer.from(bytes), bytes, bytes.buffer.slice(0)]) {
        assert.deepEqual(buffer(await call(socket, "reverse", value)), Buffer.from([255, 2, 1]));
      }
      for (const size of [0, 1, 2, 8, 300, 70000]) {
        const back = await call(socket, "reverse", new ArrayBuffer(size));
        assert.equal(back.byteLength, size);
      }
      const receipt = await call(socket, "upload", {
        name: "n", file: Buffer.from("abc"), parts: [{ title: "one", content: bytes }],
      });
      assert.deepEqual(receipt.sizes, [3, 3]);
      assert.deepEqual(buffer(receipt.file), Buffer.from("cba"));
      assert.deepEqual(buffer(receipt.parts[0].content), Buffer.from(bytes));
    });

    test("namespaces share a connection, rooms have their members, and both can be left", async () => {
      const [first, second] = [await join("/quiet"), await join("/quiet")];
      const custom = first.io.socket("/custom");
      await within(new Promise((resolve) => custom.once("connect", resolve)), "connect");
      await call(first, "join", "r");
      await call(second, "join", "r");
      const heard = next(second, "said");
      first.emit("binary-to-room", "r", Buffer.from([9]));
      assert.deepEqual(buffer((await heard)[0]), Buffer.from([9]));
      const { id } = second;
      second.emit("disconnect-me", false);
      assert.deepEqual((await next(second, "disconnect"))[0], "io server disconnect");
      await serverSays(server, id, "server namespace disconnect");
      const leaving = first.id;
      first.disconnect();
      await serverSays(server, leaving, "client namespace disconnect");
      const back = next(custom, "message-back");
      custom.emit("message", "still here");
      assert.deepEqual(await back, ["still here"]);
      custom.disconnect();
    });
  });
}

test("a client with the default parser is disconnected", async () => {
  const socket = client(server, "/", "websocket");
  const [reason] = await next(socket.io, "close");
  assert.equal(reason, "transport close");
  assert.ok(!socket.connected);
});
