// Rooms full of clients spread over servers, with bare WebSockets: every delivery is counted by
// receiver and sender, and must have the next number of that sender.
//
// Reads its settings as JSON from LOAD, prints `joined`, waits for a line, prints the result.
const { urls, rooms, clients, senders, messages, namespace } = JSON.parse(process.env.LOAD);
const prefix = `42${namespace},`;

/** What went wrong, at most a few of each. */
const faults = [];
const fault = (text) => faults.length < 20 && faults.push(text);
let deliveries = 0;
let left = rooms * clients * senders * messages;
let finish;
const finished = new Promise((resolve) => (finish = resolve));

class Client {
  constructor(room, index) {
    this.room = room;
    this.index = index;
    /** The number that each sender of the room must send next. */
    this.next = new Int32Array(senders);
    this.sent = 0;
  }

  /** Resolves once the server has taken the client into its room. */
  join() {
    // Members and senders of a room are on every server.
    const url = urls[(this.room + this.index) % urls.length];
    this.socket = new WebSocket(`${url}/socket.io/?EIO=4&transport=websocket`);
    return new Promise((resolve, reject) => {
      this.socket.onerror = () => reject(new Error(`no connection to ${url}`));
      this.socket.onclose = () => left > 0 && (fault(`${this.room}/${this.index} was closed`), finish());
      this.socket.onmessage = ({ data }) => {
        if (data.startsWith("0{")) this.socket.send(`40${namespace},`);
        else if (data.startsWith(`40${namespace},{`)) {
          this.socket.send(`${prefix.slice(0, -1)},0["join","load ${this.room}"]`);
        } else if (data.startsWith(`43${namespace},0[`)) {
          this.socket.onmessage = (event) => this.receive(event.data);
          resolve();
        }
      };
    });
  }

  send() {
    if (this.sent === messages) return;
    const text = `${this.room}:${this.index}:${this.sent++}`;
    this.socket.send(`${prefix}["in-room","load ${this.room}","${text}"]`);
  }

  receive(data) {
    if (data === "2") return this.socket.send("3");
    const start = data.indexOf('["said","');
    if (start < 0) return fault(`unexpected: ${data.slice(0, 80)}`);
    const [room, sender, number] = data.slice(start + 9, -2).split(":").map(Number);
    if (room !== this.room) return fault(`room ${this.room} heard ${data}`);
    const wanted = this.next[sender];
    if (number !== wanted) {
      fault(`${this.room}/${this.index} of ${sender}: ${number} came, ${wanted} was next`);
      if (number < wanted) return;
    }
    this.next[sender] = number + 1;
    deliveries++;
    // The next message of a sender leaves when it has heard its last: that bounds what is under way.
    if (sender === this.index) this.send();
    if (--left === 0) finish();
  }
}

const all = [];
for (let room = 0; room < rooms; room++) {
  for (let index = 0; index < clients; index++) all.push(new Client(room, index));
}
await Promise.all(all.map((client) => client.join()));
console.log("joined");
await new Promise((resolve) => process.stdin.once("data", resolve));

const start = performance.now();
const late = setTimeout(() => (fault(`${left} deliveries are missing`), finish()), 270_000);
for (const client of all) if (client.index < senders) client.send();
await finished;
clearTimeout(late);
const seconds = (performance.now() - start) / 1000;
// Whatever comes too often comes before this.
await Promise.all(all.slice(0, urls.length).map((client) => new Promise((resolve) => {
  client.socket.onmessage = ({ data }) =>
    data.startsWith(`43${namespace},1[`) ? resolve() : client.receive(data);
  client.socket.send(`${prefix}1["rooms"]`);
})));
console.log(JSON.stringify({ deliveries, seconds, faults }));
process.exit(0);
