// What the official client goes through when the server ends, and comes back on the same port.
import { afterEach, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Server, client, closeAll, connected, next, transports } from "./client.mjs";

afterEach(closeAll);

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    test("reconnects by itself after a crash", async () => {
      const server = await new Server().start();
      try {
        const socket = client(server, "/", transport, { reconnection: true, auth: { again: 1 } });
        await connected(socket, transport);
        const sid = socket.id;
        const left = next(socket, "disconnect");
        await server.kill();
        const [reason] = await left;
        assert.ok(["transport close", "transport error"].includes(reason), reason);
        const back = next(socket, "auth");
        await server.start(server.port);
        assert.deepEqual(await back, [{ again: 1 }]);
        assert.notEqual(socket.id, sid);
        assert.equal(await socket.timeout(60_000).emitWithAck("add", 1, 1), 2);
        closeAll();
      } finally {
        await server.stop();
      }
    });

    test("is told of a shutdown, and reconnects by itself", async () => {
      const server = await new Server().start();
      try {
        const socket = client(server, "/", transport, { reconnection: true });
        await connected(socket, transport);
        const left = next(socket, "disconnect");
        await server.stop();
        // No DISCONNECT packet: that would forbid the client to reconnect.
        // A polling client between two polls cannot be told: its next one finds nobody.
        const reasons = transport === "polling" ? ["transport close", "transport error"] : ["transport close"];
        const [reason] = await left;
        assert.ok(reasons.includes(reason), reason);
        const back = next(socket, "connect");
        await server.start(server.port);
        await back;
        closeAll();
      } finally {
        await server.stop();
      }
    });

    test("is sent away by a server that drains, and reconnects by itself", async () => {
      const server = await new Server("--drain-time", "300").start();
      try {
        const socket = client(server, "/", transport, { reconnection: true });
        await connected(socket, transport);
        const left = next(socket, "disconnect");
        await server.stop();
        const reasons = transport === "polling" ? ["transport close", "transport error"] : ["transport close"];
        const [reason] = await left;
        assert.ok(reasons.includes(reason), reason);
        const back = next(socket, "connect", 30);
        await server.start(server.port);
        await back;
        closeAll();
      } finally {
        await server.stop();
      }
    });

    test("a silent server is noticed by its missing pings", async () => {
      const server = await new Server("--ping-interval", "300", "--ping-timeout", "3000").start();
      try {
        const socket = await connected(client(server, "/", transport), transport);
        const left = next(socket, "disconnect");
        server.process.kill("SIGSTOP");
        assert.equal((await left)[0], "ping timeout");
      } finally {
        server.process.kill("SIGCONT");
        await server.stop();
      }
    });

    test("heartbeats keep a silent connection open", async () => {
      const server = await new Server("--ping-interval", "100", "--ping-timeout", "20000").start();
      try {
        const socket = await connected(client(server, "/", transport), transport);
        for (let n = 0; n < 10; n++) await next(socket.io, "ping");
        assert.equal(socket.connected, true);
        closeAll();
      } finally {
        await server.stop();
      }
    });
  });
}
