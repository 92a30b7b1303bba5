// Namespaces on demand, listeners of every event and middlewares, as the official client sees them.
import { after, afterEach, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import {
  Server, client, closeAll, connected, eventually, next, transports, within,
} from "./client.mjs";

const server = new Server(
  "--empty-namespace-timeout", "50", "--max-dynamic-namespaces", "20", "--member-namespaces", "true",
);
before(() => server.start());
after(() => server.stop());
afterEach(closeAll);

let lastNumber = 0;
/** A namespace name that no other test has. */
const fresh = () => `/dynamic-${++lastNumber}`;
const noted = (line) => eventually(
  async () => (await server.get("/notes")).includes(line) || undefined, line,
);

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    const join = async (namespace, options = {}) =>
      connected(client(server, namespace, transport, options), transport);
    const call = (socket, event, ...args) => socket.timeout(60_000).emitWithAck(event, ...args);
    const said = (socket) => within(new Promise((resolve) => socket.once("said", resolve)), "said");

    test("a name that matches a pattern is a namespace of its own", async () => {
      const [one, two] = [fresh(), fresh()];
      const first = await join(one);
      const second = await join(two);
      assert.equal(await call(first, "where"), one);
      assert.equal(await call(second, "where"), two);
      await noted(`new ${one}`);
      const heard = [];
      second.on("said", (text) => heard.push(text));
      const own = said(first);
      await call(first, "to-namespace", "one");
      assert.equal(await own, "one");
      const all = said(first);
      await call(second, "to-all", "all");
      assert.equal(await all, "all");
      await call(first, "join", "room");
      await call(second, "to-all-but-room", "room", "not one");
      await call(second, "where");
      assert.deepEqual(heard, ["all", "not one"]);
    });

    test("other names, and the parent's middlewares, refuse", async () => {
      for (const name of ["/dynamic-x", "/dynamic-", "/else", "/member-1"]) {
        const [error] = await next(client(server, name, transport), "connect_error");
        assert.equal(error.message, "Invalid namespace");
      }
      const refused = client(server, fresh(), transport, { auth: { token: "bad" } });
      const [error] = await next(refused, "connect_error");
      assert.equal(error.message, "refused");
      assert.deepEqual(error.data, { code: 7 });
      refused.auth = { token: "good" };
      refused.connect();
      await connected(refused);
    });

    test("a function decides by name and auth; who exists is not asked again", async () => {
      const name = `/member-${transport}`;
      const member = await join(name, { auth: { token: "secret" } });
      assert.equal(await call(member, "where"), name);
      const other = await join(name);
      assert.equal(await call(other, "where"), name);
    });

    test("an empty child goes, and comes back for the next client", async () => {
      const watcher = await join(fresh());
      const name = fresh();
      const first = await join(name);
      assert.ok((await call(watcher, "children")).includes(name));
      first.disconnect();
      await eventually(
        async () => !(await call(watcher, "children")).includes(name) || undefined, "reclaimed",
      );
      const second = await join(name);
      assert.equal(await call(second, "where"), name);
      second.io.engine.close(); // without a word
      await eventually(
        async () => !(await call(watcher, "children")).includes(name) || undefined, "reclaimed",
      );
    });

    test("clients that come and go at the moment of the end always get in", async () => {
      const name = fresh();
      const socket = await join(name);
      for (let round = 0; round < 20; round += 1) {
        socket.disconnect();
        await new Promise((resolve) => setTimeout(resolve, round % 2 ? 50 : 0));
        socket.connect();
        await connected(socket);
        assert.equal(await call(socket, "where"), name);
      }
    });

    test("middlewares refuse, answer, rename; the order is kept", async () => {
      const socket = await join("/api");
      const failed = next(socket, "failed");
      await assert.rejects(socket.timeout(200).emitWithAck("refused"), /timed out/);
      assert.deepEqual(await failed, ["Broken"]);
      assert.deepEqual(await call(socket, "coded"), { error: { code: "E_MIDDLEWARE" } });
      assert.equal(await call(socket, "renamed", "a"), "a");
      const numbers = [];
      const done = within(new Promise((resolve) => {
        socket.on("number", (number) => {
          numbers.push(number);
          if (numbers.length === 300) resolve();
        });
      }), "numbers");
      for (let number = 0; number < 300; number += 1) {
        socket.emit("number", ...(number % 3 ? [number] : [number, "held", "up"]));
      }
      await done;
      assert.deepEqual(numbers, Array.from({ length: 300 }, (_, number) => number));
    });

    test("onAny, prependAny, onAnyOutgoing see what goes both ways", async () => {
      const socket = await join("/api");
      await call(socket, "watch");
      const heard = said(socket);
      socket.emit("broadcast", "x");
      assert.equal(await heard, "x");
      socket.emit("nobody", 1, 2);
      await assert.rejects(socket.timeout(200).emitWithAck("refused"), /timed out/);
      await call(socket, "unwatch");
      socket.emit("broadcast", "y");
      assert.deepEqual(await call(socket, "seen"), [
        "first broadcast", "in broadcast 1", "out said 1", "first nobody", "in nobody 2",
        "first refused", "in refused 0", "out failed 1", "first unwatch", "in unwatch 0",
      ]);
    });

    test("once answers once, a removed handler never", async () => {
      const socket = await join("/api");
      assert.equal(await call(socket, "only-once"), "the first");
      await assert.rejects(socket.timeout(200).emitWithAck("only-once"), /timed out/);
      await assert.rejects(socket.timeout(200).emitWithAck("forgotten"), /timed out/);
    });

    test("send is the event message, both ways", async () => {
      const socket = await join("/api");
      const answer = next(socket, "message");
      socket.send("text");
      assert.deepEqual(await answer, ["back", "text"]);
    });

    test("conn knows transport and address, and can be closed", async () => {
      const socket = await join("/api");
      const conn = await call(socket, "conn");
      assert.equal(conn.transport, transport === "polling" ? "polling" : "websocket");
      assert.equal(conn.address, "127.0.0.1");
      assert.equal(conn.version, 4);
      assert.equal(conn.id, socket.io.engine.id);
      assert.equal(conn.isSecure, false);
      assert.ok(Math.abs(Date.parse(conn.time) - Date.now()) < 120_000);
      const gone = next(socket, "disconnect");
      socket.emit("close-connection");
      const [reason] = await gone;
      assert.match(reason, /transport (close|error)/);
    });

    test("events of rooms", async () => {
      const socket = await join("/api");
      const room = `watched-${transport}`;
      const sid = socket.id;
      await call(socket, "join", room);
      await call(socket, "join", room);
      await call(socket, "leave", room);
      await call(socket, "join", room);
      socket.disconnect();
      await eventually(async () => {
        const lines = (await server.get("/notes")).filter((line) => line.includes(`${room} `));
        return lines.length >= 8 || undefined;
      }, "notes");
      const lines = (await server.get("/notes")).filter((line) => line.includes(`${room} `));
      const once = [
        `create-room ${room} `, `join-room ${room} ${sid}`,
        `leave-room ${room} ${sid}`, `delete-room ${room} `,
      ];
      assert.deepEqual(lines, [...once, ...once]);
    });
  });
}

test("an upgrade is told of on the server", async () => {
  const socket = client(server, "/api", "upgrade");
  assert.deepEqual(await next(socket, "upgraded"), ["websocket"]);
});

test("hostile names and too many names are refused, and the connection lives on", async () => {
  const socket = await connected(client(server, "/api", "websocket"), "websocket");
  const others = [];
  let refused = 0;
  for (let number = 1000; number < 1040; number += 1) {
    const other = socket.io.socket(`/dynamic-${number}`);
    others.push(other);
    try {
      await connected(other);
    } catch (error) {
      assert.equal(error.message, "Invalid namespace");
      refused += 1;
    }
  }
  assert.ok(refused >= 20, `${refused} refused`);
  const long = socket.io.socket(`/dynamic-${"1".repeat(400)}`);
  await assert.rejects(connected(long), /Invalid namespace/);
  assert.equal(await socket.timeout(60_000).emitWithAck("echo", 1), 1);
  for (const other of others) other.disconnect();
});
