// The official client against our server, over polling, over WebSocket, and by upgrade.
import { after, afterEach, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import {
  Manager, Server, client, closeAll, connected, eventually, next, serverSays, transports, within,
} from "./client.mjs";

const limit = 1_000_000;
const server = new Server("--max-payload", String(limit));
before(() => server.start());
after(() => server.stop());
afterEach(closeAll);

const bytes = (...values) => Buffer.from(values);
/** Binary arrives as ArrayBuffer over WebSocket and polling alike; compared as Buffer. */
const buffers = (value) => {
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(buffers);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, buffers(item)]));
  }
  return value;
};

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    const join = async (namespace = "/", options = {}) =>
      connected(client(server, namespace, transport, options), transport);
    const call = (socket, event, ...args) => socket.timeout(60_000).emitWithAck(event, ...args);

    test("connects with the transport asked for", async () => {
      const socket = await join();
      const name = transport === "polling" ? "polling" : "websocket";
      assert.equal(socket.io.engine.transport.name, name);
      assert.match(socket.id, /^[A-Za-z0-9_-]{20}$/);
      assert.notEqual(socket.id, socket.io.engine.id);
      assert.ok(!socket.recovered);
    });

    test("auth reaches the handler, from an object and from a function", async () => {
      const auth = { token: "x", deep: [1, { a: null }] };
      const socket = client(server, "/", transport, { auth });
      assert.deepEqual(await next(socket, "auth"), [auth]);
      const other = client(server, "/", transport, { auth: (give) => give({ n: 1 }) });
      assert.deepEqual(await next(other, "auth"), [{ n: 1 }]);
      const none = client(server, "/", transport);
      assert.deepEqual(await next(none, "auth"), [{}]);
    });

    test("events go both ways with every kind of JSON value", async () => {
      const socket = await join();
      const args = ["é\u2028\u{1f600}\0", 1, -2.5e-7, null, true, [[]], { k: { l: [{}] } }];
      socket.emit("message", ...args);
      assert.deepEqual(await next(socket, "message-back"), args);
    });

    test("the server acks: callback, promise, no argument, several", async () => {
      const socket = await join();
      assert.equal(await call(socket, "add", 2, 3), 5);
      assert.equal(await call(socket, "add-async", 2, 3), 5);
      assert.equal(await call(socket, "nothing"), 42);
      assert.equal(await call(socket, "optional", "a"), "a:none");
      assert.equal(await call(socket, "optional", "a", null), "a:none");
      assert.equal(await call(socket, "optional", "a", 7), "a:7");
      assert.equal(await call(socket, "four", "a", 1, true, ["x", "y"]), "a 1 true x+y");
      const several = await within(
        new Promise((resolve) => socket.emit("echo", 1, "two", { three: [3] }, (...all) => resolve(all))),
        "ack",
      );
      assert.deepEqual(several, [1, "two", { three: [3] }]);
      const none = await within(new Promise((resolve) => socket.emit("echo", (...all) => resolve(all))), "ack");
      assert.deepEqual(none, []);
    });

    test("acks come back to the right event when they overlap", async () => {
      const socket = await join();
      const sums = await Promise.all(
        Array.from({ length: 100 }, (_, n) => call(socket, n % 2 ? "add" : "add-async", n, 1)),
      );
      assert.deepEqual(sums, Array.from({ length: 100 }, (_, n) => n + 1));
    });

    test("an ack that never comes times out, and the socket lives on", async () => {
      const socket = await join();
      await assert.rejects(socket.timeout(200).emitWithAck("no such event"), /timed out/);
      assert.equal(await call(socket, "add", 1, 1), 2);
    });

    test("the client acks", async () => {
      const socket = await join();
      socket.on("question", (value, ack) => ack(typeof value === "number" ? value * 2 : Buffer.from(value).reverse()));
      socket.emit("ask-me", 21);
      assert.deepEqual(await next(socket, "answer"), [42]);
      socket.emit("ask-me-binary", bytes(0, 1, 255));
      assert.deepEqual(buffers(await next(socket, "answer")), [bytes(255, 1, 0)]);
    });

    test("the server's wait for an ack times out", async () => {
      const socket = await join();
      const asked = next(socket, "question");
      socket.emit("ask-me-briefly");
      const [why] = await next(socket, "no-answer");
      assert.match(why, /time/i);
      const [, ack] = await asked;
      ack(1); // too late: ignored
      assert.equal(await call(socket, "add", 1, 1), 2);
    });

    test("the server's wait for an ack fails when the client goes", async () => {
      const socket = await join();
      const sid = socket.id;
      const asked = next(socket, "question");
      socket.emit("ask-me-then-note");
      await asked;
      socket.disconnect();
      await eventually(
        async () => (await server.get("/notes")).includes(`${sid} never answered`) || undefined,
        "note",
      );
    });

    test("a handler that throws answers the ack without details", async () => {
      const socket = await join();
      for (const event of ["throws", "throws-async"]) {
        assert.deepEqual(await call(socket, event, "x"), { error: { code: "internal" } });
      }
      assert.deepEqual(await call(socket, "throws-ack-error"), { error: { code: "E_REFUSED" } });
      socket.emit("throws", "x"); // no ack: nothing happens to the client
      assert.equal(await call(socket, "add", 1, 1), 2);
    });

    test("a wrong argument is an error that the client sees", async () => {
      const socket = await join();
      for (const args of [[], [1], [1, "two"], [null, 1], [{}, []], [bytes(1), 1]]) {
        const answer = await call(socket, "add", ...args);
        assert.equal(typeof answer.error.code, "string");
      }
      assert.equal(await call(socket, "add", 1, 1), 2);
    });

    test("binary goes both ways, empty and nested too", async () => {
      const socket = await join();
      const all = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
      assert.deepEqual(buffers(await call(socket, "reverse", all)), Buffer.from(all).reverse());
      assert.deepEqual(buffers(await call(socket, "reverse", bytes())), bytes());
      const args = [{ a: [all, { b: bytes(1) }] }, bytes(2), "text"];
      const echoed = await within(
        new Promise((resolve) => socket.emit("echo", ...args, (...all) => resolve(all))), "ack",
      );
      assert.deepEqual(buffers(echoed), args);
      socket.emit("send-binary", 300);
      assert.deepEqual(buffers(await next(socket, "binary")), [
        Buffer.from(Array.from({ length: 300 }, (_, n) => n & 255)),
        { title: "nested", content: bytes(1, 2, 3) },
      ]);
    });

    test("binary nested in typed objects", async () => {
      const socket = await join();
      const parts = [{ title: "one", content: bytes(1) }, { title: "two", content: bytes(2, 3) }];
      const receipt = await call(socket, "upload", { name: "n", file: bytes(7, 8, 9), parts });
      assert.deepEqual(buffers(receipt), {
        name: "n", sizes: [3, 1, 2], file: bytes(9, 8, 7), parts: [parts[1], parts[0]],
      });
    });

    test("text and binary keep their order", async () => {
      const socket = await join();
      const got = [];
      socket.on("message-back", (value) => got.push(buffers(value)));
      for (let n = 0; n < 50; n++) socket.emit("message", n % 2 ? bytes(n) : n);
      await call(socket, "nothing");
      assert.deepEqual(got, Array.from({ length: 50 }, (_, n) => (n % 2 ? bytes(n) : n)));
    });

    test("two namespaces share one connection", async () => {
      const manager = new Manager(server.url, { transports: transports[transport], reconnection: false });
      const root = manager.socket("/");
      const custom = manager.socket("/custom", { auth: { n: 1 } });
      assert.deepEqual(await next(custom, "auth"), [{ n: 1 }]);
      await connected(root, transport);
      assert.equal(root.io.engine, custom.io.engine);
      assert.notEqual(root.id, custom.id);
      let strayed = false;
      root.on("message-back", () => (strayed = true));
      custom.emit("message", "c");
      assert.deepEqual(await next(custom, "message-back"), ["c"]);
      assert.equal(await call(root, "nothing"), 42);
      assert.equal(strayed, false);

      // Leaving one leaves the other where it is.
      const sid = custom.id;
      custom.disconnect();
      assert.equal(await call(root, "add", 1, 1), 2);
      custom.connect();
      await connected(custom);
      assert.notEqual(custom.id, sid);
      root.disconnect();
      custom.disconnect();
    });

    test("auth accepted", async () => {
      const socket = await join("/auth", { auth: { token: "secret" } });
      assert.equal(await call(socket, "add", 1, 2), 3);
    });

    test("auth refused with data, then accepted on a second try", async () => {
      const socket = client(server, "/auth", transport, { auth: { token: "wrong" } });
      const [error] = await next(socket, "connect_error");
      assert.equal(error.message, "not authorized");
      assert.deepEqual(error.data, { code: "E_AUTH" });
      assert.equal(socket.connected, false);
      socket.auth = {};
      socket.connect();
      const [bare] = await next(socket, "connect_error");
      assert.equal(bare.message, "no token");
      assert.equal(bare.data, undefined);
      socket.auth = { token: "secret" };
      socket.connect();
      await connected(socket);
    });

    test("an unknown namespace is refused", async () => {
      const [error] = await next(client(server, "/nowhere", transport), "connect_error");
      assert.equal(error.message, "Invalid namespace");
    });

    test("an asynchronous middleware decides later", async () => {
      const accepted = client(server, "/slow", transport);
      const refused = client(server, "/slow", transport, { auth: { token: "refuse" } });
      await eventually(async () => (await server.get("/waiting")).count === 2 || undefined, "waiting");
      assert.equal(accepted.connected, false);
      const failure = next(refused, "connect_error");
      await fetch(server.url + "/release");
      await connected(accepted);
      const [error] = await failure;
      assert.equal(error.message, "refused late");
      assert.deepEqual(error.data, [1, 2, 3]);
    });

    test("rooms: to, in, except, broadcast, local, by id", async () => {
      const sockets = [await join("/quiet"), await join("/quiet"), await join("/quiet")];
      const [first, second, third] = sockets;
      const heard = async (event, ...args) => {
        const got = sockets.map(() => []);
        sockets.forEach((socket, n) => socket.on("said", (text) => got[n].push(buffers(text))));
        first.emit(event, ...args);
        await call(first, "nothing");
        // An ack behind it on each socket: what was said has arrived.
        for (const socket of sockets) await call(socket, "nothing");
        sockets.forEach((socket) => socket.off("said"));
        return got;
      };
      assert.deepEqual(await call(first, "join", "a"), ["a"]);
      assert.deepEqual(await call(first, "join", "b"), ["a", "b"]);
      assert.deepEqual(await call(second, "join", "a"), ["a"]);
      assert.deepEqual(await call(third, "join", "b"), ["b"]);
      assert.deepEqual(await heard("to-room", "a", "1"), [[], ["1"], []]);
      assert.deepEqual(await heard("in-room", "a", "2"), [["2"], ["2"], []]);
      assert.deepEqual(await heard("to-rooms", "a", "b", "3"), [[], ["3"], ["3"]]);
      assert.deepEqual(await heard("in-room-except", "a", "b", "4"), [[], ["4"], []]);
      assert.deepEqual(await heard("to-room", third.id, "5"), [[], [], ["5"]]);
      assert.deepEqual(await heard("broadcast", "6"), [[], ["6"], ["6"]]);
      assert.deepEqual(await heard("everyone", "7"), [["7"], ["7"], ["7"]]);
      assert.deepEqual(await heard("local", "8"), [["8"], ["8"], ["8"]]);
      assert.deepEqual(await heard("binary-to-room", "a", bytes(9)), [[], [bytes(9)], []]);
      assert.deepEqual(await call(second, "leave", "a"), []);
      assert.deepEqual(await heard("to-room", "a", "10"), [[], [], []]);
    });

    test("a broadcast collects the acks of a room", async () => {
      const sockets = [await join("/quiet"), await join("/quiet"), await join("/quiet")];
      sockets.forEach((socket, n) =>
        socket.on("room-question", (room, ack) => n < 2 && ack(`${room}${n}`)));
      const [first, second, third] = sockets;
      const room = `q-${transport}`;
      await call(first, "join", room);
      await call(second, "join", room);
      assert.deepEqual(await call(third, "ask-room", room, 50_000), {
        answers: [`${room}0`, `${room}1`], isComplete: true,
      });
      assert.deepEqual(await call(third, "ask-room", "nobody", 50_000), { answers: [], isComplete: true });
      await call(third, "join", room); // does not answer
      assert.deepEqual(await call(first, "ask-room", room, 200), { answers: [], isComplete: false });
    });

    test("volatile reaches a client that can take it", async () => {
      const socket = await join("/quiet");
      let heard;
      socket.once("said", (...args) => (heard = args));
      // On polling there may be no poll pending at that moment, and then it is dropped.
      assert.deepEqual(await eventually(async () => {
        socket.emit("volatile", "now");
        await call(socket, "nothing");
        return heard;
      }, "said"), ["now"]);
    });

    test("the client disconnects", async () => {
      const socket = await join("/quiet");
      const sid = socket.id;
      const left = next(socket, "disconnect");
      socket.disconnect();
      assert.deepEqual((await left)[0], "io client disconnect");
      await serverSays(server, sid, "client namespace disconnect");
    });

    test("the server disconnects one namespace, the others stay", async () => {
      const root = await join("/quiet");
      const custom = root.io.socket("/auth", { auth: { token: "secret" } });
      await connected(custom);
      const sid = custom.id;
      const left = next(custom, "disconnect");
      custom.emit("disconnect-me", false);
      assert.equal((await left)[0], "io server disconnect");
      await serverSays(server, sid, "server namespace disconnect");
      assert.equal(await call(root, "add", 1, 1), 2);
    });

    test("a late event after the server's disconnect does not end the connection", async () => {
      const root = await join("/quiet");
      const custom = root.io.socket("/auth", { auth: { token: "secret" } });
      await connected(custom);
      custom.emit("disconnect-me", false);
      for (let n = 0; n < 10; n++) custom.emit("echo", n);
      await next(custom, "disconnect");
      assert.equal(await call(root, "add", 1, 1), 2);
    });

    test("the server closes the connection of one namespace", async () => {
      const socket = await join("/quiet");
      const sid = socket.id;
      const left = next(socket, "disconnect");
      socket.emit("disconnect-me", true);
      // Anything but this reason would make the client come back by itself.
      assert.equal((await left)[0], "io server disconnect");
      await serverSays(server, sid, "server namespace disconnect");
    });

    test("the server closes the connection with every namespace", async () => {
      const root = await join("/quiet");
      const custom = root.io.socket("/auth", { auth: { token: "secret" } });
      await connected(custom);
      const ids = [root.id, custom.id];
      const left = [next(root, "disconnect"), next(custom, "disconnect")];
      root.emit("disconnect-me", true);
      assert.deepEqual((await Promise.all(left)).map(([reason]) => reason), [
        "io server disconnect", "io server disconnect",
      ]);
      for (const sid of ids) await serverSays(server, sid, "server namespace disconnect");
    });

    test("the transport goes away", async () => {
      const socket = await join("/quiet");
      const sid = socket.id;
      const left = next(socket, "disconnect");
      socket.io.engine.close();
      assert.ok(["forced close", "transport close"].includes((await left)[0]));
      await serverSays(server, sid, "transport close");
    });

    test("order of a thousand events", async () => {
      const socket = await join("/quiet");
      const numbers = [];
      const all = within(
        new Promise((resolve) =>
          socket.on("number", (n) => numbers.push(n) === 1000 && resolve())),
        "numbers",
      );
      socket.emit("burst", 1000);
      await all;
      assert.deepEqual(numbers, Array.from({ length: 1000 }, (_, n) => n));
    });

    test("a packet of exactly the limit passes", async () => {
      const socket = await join("/quiet");
      const text = "x".repeat(limit - '42/quiet,0["echo",""]'.length);
      assert.equal(await socket.timeout(60_000).emitWithAck("echo", text), text);
    });

    test("a packet above the limit ends the connection", async () => {
      const socket = await join("/quiet");
      const left = next(socket, "disconnect");
      socket.emit("echo", "x".repeat(limit));
      const [reason, details] = await left;
      if (socket.io.opts.transports[0] === "websocket") {
        assert.equal(reason, "transport close");
        assert.equal(details.context.code, 1009);
        assert.equal(details.context.reason, `message of more than ${limit} bytes`);
      } else {
        assert.ok(["transport close", "transport error"].includes(reason), reason);
        if (reason === "transport error") assert.equal(details.description, 413);
      }
    });

    test("events sent while connecting arrive once connected", async () => {
      const socket = client(server, "/", transport);
      socket.emit("message", "early");
      assert.deepEqual(await next(socket, "message-back"), ["early"]);
    });
  });
}
