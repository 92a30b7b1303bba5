// The official client, whose WebSocket under Node offers permessage-deflate, with a server that
// takes the offer; over polling it has no compression here.
import { after, afterEach, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Server, client, closeAll, connected, next, transports } from "./client.mjs";

const long = "long text ".repeat(500);

for (const mode of ["true", "takeover", "small"]) {
  describe(`--deflate ${mode}`, () => {
    const server = new Server("--deflate", mode);
    before(() => server.start());
    after(() => server.stop());
    afterEach(closeAll);

    for (const transport of Object.keys(transports)) {
      describe(transport, () => {
        const join = async () => connected(client(server, "/", transport), transport);
        const call = (socket, event, ...args) => socket.timeout(60_000).emitWithAck(event, ...args);

        test("agrees upon compression", async () => {
          const socket = await join();
          const { ws } = socket.io.engine.transport;
          if (transport === "polling") assert.equal(ws, undefined);
          else assert.match(ws.extensions, /^permessage-deflate/);
        });

        test("echoes, from the short to the long, again and again", async () => {
          const socket = await join();
          for (let round = 0; round < 3; round++) {
            for (const text of ["", "short", "é\u{1f600}", long, "x".repeat(200_000), long]) {
              assert.deepEqual(await call(socket, "echo", text), text);
            }
          }
        });

        test("a broadcast, compressed and not, and binary", async () => {
          const [first, second] = [await join(), await join()];
          for (const event of ["everyone", "everyone-plain"]) {
            const heard = [next(first, "said"), next(second, "said")];
            first.emit(event, long);
            assert.deepEqual(await Promise.all(heard), [[long], [long]]);
          }
          const bytes = Buffer.from(long);
          const reversed = await call(first, "reverse", bytes);
          assert.deepEqual(Buffer.from(reversed), Buffer.from(bytes).reverse());
        });
      });
    }
  });
}
