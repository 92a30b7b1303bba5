// Three servers of a cluster, an official client on each: REPLICAS holds the chat servers' addresses,
// NODES those of the conformance servers.
import { afterEach, describe, test } from "node:test";
import assert from "node:assert/strict";
import { client, closeAll, connected, eventually, next, transports, within } from "../client.mjs";

const replicas = JSON.parse(process.env.REPLICAS).map((url) => ({ url }));
const nodes = JSON.parse(process.env.NODES).map((url) => ({ url }));
const call = (socket, event, ...args) => socket.timeout(60_000).emitWithAck(event, ...args);
const bytes = (...values) => Buffer.from(values);

afterEach(closeAll);

for (const transport of Object.keys(transports)) {
  const three = (servers, namespace) => Promise.all(
    servers.map((server) => connected(client(server, namespace, transport), transport)),
  );

  describe(`the article's proof over ${transport}`, () => {
    test("clients 1 and 2 in room 1 hear client 1, client 3 does not; all hear client 3", async () => {
      const clients = await three(replicas, "/");
      const room = `room 1 ${transport}`;
      const heard = clients.map(() => []);
      const ends = clients.map((socket, n) => new Promise((resolve) => {
        socket.on("message", (message) => heard[n].push(["message", message]));
        socket.on("all", (all) => {
          heard[n].push(["all", all]);
          resolve();
        });
      }));
      for (const socket of clients.slice(0, 2)) {
        const joined = await call(socket, "joinRoom", { room });
        assert.equal(joined.room, room);
      }
      clients[0].emit("message", { userId: "client 1", room, message: "hello" });
      await eventually(async () => (heard[0].length && heard[1].length) || undefined, "the message");
      clients[2].emit("all", { message: "to all" });
      await within(Promise.all(ends), "all");
      const message = ["message", { userId: "client 1", message: "hello" }];
      const all = ["all", { message: "to all" }];
      assert.deepEqual(heard, [[message, all], [message, all], [all]]);
    });
  });

  describe(`operations over ${transport}`, () => {
    const join = () => three(nodes, "/cluster");

    test("rooms, except, by id, everyone, in order", async () => {
      const sockets = await join();
      const [first, second, third] = sockets;
      const room = `r ${transport}`;
      const heard = sockets.map(() => []);
      sockets.forEach((socket, n) => socket.on("said", (value) => heard[n].push(value)));
      await call(first, "join", room);
      await call(second, "join", room);
      await call(first, "cast", { rooms: [room] }, "said", "[1]");
      await call(first, "cast", { rooms: [room], others: true }, "said", "[2]");
      await call(first, "cast", { except: [room] }, "said", "[3]");
      await call(first, "cast", { rooms: [third.id] }, "said", "[4]");
      await call(first, "cast", {}, "said", "[5]");
      await eventually(async () => heard.every((list) => list.at(-1) === 5) || undefined, "the last");
      assert.deepEqual(heard, [[1, 5], [1, 2, 5], [3, 4, 5]]);
    });

    test("binary crosses the cluster", async () => {
      const sockets = await join();
      const heard = sockets.map((socket) => next(socket, "said"));
      const file = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
      const part = { title: "nested", content: bytes(1, 2, 3) };
      await call(sockets[0], "cast-binary", {}, "said", { name: "n", file, parts: [part] });
      for (const [whole, upload] of await Promise.all(heard)) {
        assert.deepEqual(Buffer.from(whole), file);
        assert.deepEqual(Buffer.from(upload.file), file);
        assert.deepEqual(Buffer.from(upload.parts[0].content), part.content);
      }
    });

    test("a question collects everybody's acks", async () => {
      const sockets = await join();
      sockets.forEach((socket) => socket.on("asked", (value, ack) => ack([socket.id, value])));
      const { answers, missing } = await call(sockets[0], "cast-ack", { timeout: 50_000 }, "asked", "[7]");
      assert.equal(missing, 0);
      assert.deepEqual(
        answers.map((answer) => JSON.parse(answer)).sort(),
        sockets.map((socket) => [socket.id, 7]).sort(),
      );
    });

    test("sockets are found, moved, told and disconnected from elsewhere", async () => {
      const sockets = await join();
      const [first, second, third] = sockets;
      const ids = async (selection) =>
        (await call(first, "fetch", selection)).sockets.map(({ id }) => id).sort();
      const room = `m ${transport}`;
      await call(first, "sockets-join", { rooms: [second.id, third.id] }, [room]);
      await eventually(async () => ((await ids({ rooms: [room] })).length === 2) || undefined, "joined");
      assert.deepEqual(await ids({ rooms: [room] }), [second.id, third.id].sort());
      const said = next(third, "said");
      assert.equal(await call(first, "remote", third.id, "emit", "you"), true);
      assert.deepEqual(await said, ["you"]);
      const left = [next(second, "disconnect"), next(third, "disconnect")];
      await call(first, "sockets-disconnect", { rooms: [room] }, true);
      for (const [reason] of await Promise.all(left)) assert.equal(reason, "io server disconnect");
      assert.deepEqual(await ids({ rooms: [room] }), []);
    });
  });
}
