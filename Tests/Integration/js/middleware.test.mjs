// A middleware of the engine that wants a parameter of each request, as the official client meets it.
import { after, afterEach, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Server, client, closeAll, connected, next, transports } from "./client.mjs";

const server = new Server("--engine-guard", "token");
before(() => server.start());
after(() => server.stop());
afterEach(closeAll);

for (const transport of Object.keys(transports)) {
  describe(transport, () => {
    test("every request passes with what the middleware wants", async () => {
      const socket = client(server, "/", transport, { query: { token: "x" } });
      await connected(socket, transport);
      for (let n = 0; n < 20; n += 1) {
        assert.equal(await socket.timeout(60_000).emitWithAck("add", n, 1), n + 1);
      }
    });

    test("without it no connection opens", async () => {
      const [error] = await next(client(server, "/", transport), "connect_error");
      assert.equal(error.message, transport === "websocket" ? "websocket error" : "xhr poll error");
      if (transport !== "websocket") assert.equal(error.description, 401);
    });
  });
}
