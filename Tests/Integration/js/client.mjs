// The official bundle under Node, as a browser page would load it.
//
// WebSocket is Node's own global. XMLHttpRequest is Debian's node-xmlhttprequest, which knows text
// only: enough for Engine.IO v4, whose polling is text. FileReader is the one call that the bundle
// makes to turn binary into base64 for polling.
import { createRequire } from "node:module";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import assert from "node:assert/strict";

const require = createRequire(import.meta.url);

globalThis.XMLHttpRequest = require(process.env.XMLHTTPREQUEST).XMLHttpRequest;
globalThis.FileReader = class {
  readAsDataURL(blob) {
    blob.arrayBuffer().then((bytes) => {
      this.result = "data:;base64," + Buffer.from(bytes).toString("base64");
      this.onload();
    });
  }
};
export const { io, Manager } = require(process.env.CLIENT_BUNDLE);

export const transports = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};
/** How long a test waits for what must happen; generous, as the machine may be busy. */
const seconds = 60;

/** A server process of the test's own; see support/process.py for its twin. */
export class Server {
  constructor(...args) {
    this.args = args;
  }

  async start(port = 0) {
    const [command, ...first] = JSON.parse(process.env.SERVER_COMMAND);
    this.process = spawn(command, [...first, "--port", String(port), ...this.args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.isDown = false;
    this.exited = once(this.process, "exit");
    let text = "";
    for await (const chunk of this.process.stdout.iterator({ destroyOnReturn: false })) {
      text += chunk;
      const match = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(text);
      if (match) {
        this.process.stdout.resume();
        this.port = Number(match[1]);
        this.url = `http://127.0.0.1:${this.port}`;
        return this;
      }
    }
    throw new Error(`no listening line: ${text}`);
  }

  /** Kills the process without a word to its clients. */
  async kill() {
    this.isDown = true;
    this.process.kill("SIGKILL");
    await this.exited;
  }

  /** Asks the process to end; it must end with status 0. */
  async stop() {
    if (this.isDown) return;
    this.isDown = true;
    const { exitCode, signalCode } = this.process;
    assert.ok(exitCode === null && signalCode === null, `died with ${exitCode ?? signalCode}`);
    this.process.kill("SIGTERM");
    const [status] = await within(this.exited, "exit on SIGTERM");
    assert.equal(status, 0);
  }

  async get(path) {
    return (await fetch(this.url + path)).json();
  }

  /** `["disconnecting:R", "disconnect:R"]` of the socket `sid`, awaited. */
  async reasons(sid) {
    return eventually(async () => {
      const log = (await this.get("/reasons"))[sid] ?? [];
      return log.length >= 2 ? log : undefined;
    }, `reasons of ${sid}`);
  }
}

/** Checks that both phases of the server's socket `sid` name `reason`. */
export async function serverSays(server, sid, reason) {
  assert.deepEqual(await server.reasons(sid), [`disconnecting:${reason}`, `disconnect:${reason}`]);
}

/** What `promise` gives, unless the deadline passes. */
export async function within(promise, what) {
  const abort = new AbortController();
  const late = delay(seconds * 1000, undefined, { signal: abort.signal, ref: true }).then(
    () => {
      throw new Error(`not within ${seconds} s: ${what}`);
    },
    () => {},
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
  }
}

/** What `search` gives once it is defined; asked again until the deadline. */
export async function eventually(search, what) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await search();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await delay(10);
  }
}

/** The arguments of the next `event` of a socket or a manager. */
export function next(emitter, event) {
  return within(
    new Promise((resolve) => emitter.once(event, (...args) => resolve(args))),
    event,
  );
}

const open = new Set();

/** A client socket of its own connection, without reconnection unless asked for. */
export function client(server, namespace, transport, options = {}) {
  const socket = io(server.url + namespace, {
    transports: transports[transport],
    forceNew: true,
    reconnection: false,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    ...options,
  });
  open.add(socket);
  return socket;
}

/** Waits until `socket` is connected, and upgraded where that is the transport. */
export async function connected(socket, transport) {
  if (!socket.connected) {
    await within(
      new Promise((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("connect_error", reject);
      }),
      "connect",
    );
  }
  const engine = socket.io.engine;
  if (transport === "upgrade" && engine.transport.name !== "websocket") {
    await next(engine, "upgrade");
  }
  return socket;
}

/** Disconnects every client that a test left. */
export function closeAll() {
  for (const socket of open) {
    socket.io.reconnection(false);
    socket.disconnect();
  }
  open.clear();
}
