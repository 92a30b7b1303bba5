// A card per replica with a connection of its own, past the balancer: what one replica is told is
// seen to arrive at the others.
import { asText, badge, byId, make, many, part } from "./dom.js";

const ACK_WITHIN_MS = 10000;
const LINES_KEPT = 100;

const page = {
  panel: byId("replicas-panel"),
  button: byId("open-direct"),
  cards: byId("replica-cards"),
};

let replicas = [];
let cards = [];
/** Tells {name, room, transports} of the chat as it is now. */
let chat = () => ({ name: "", room: null, transports: ["websocket"] });
let opensAtOnce = false;

/** Connects the panel with the chat; `atOnce` opens the connections as soon as they are known. */
export function prepareReplicas(tellChat, atOnce) {
  chat = tellChat;
  opensAtOnce = atOnce;
}

/** Shows the panel if the server has told where its replicas are. */
export function showReplicas(list) {
  const known = (Array.isArray(list) ? list : []).filter((replica) => {
    return typeof replica?.name === "string" && Number.isInteger(replica?.port);
  });
  // After a reconnection the list is the same, and connections that are open stay so.
  if (JSON.stringify(known) === JSON.stringify(replicas)) return;
  close();
  replicas = known;
  page.panel.hidden = replicas.length === 0;
  if (opensAtOnce && replicas.length > 0) open();
}

/** Makes the cards name the room that is shown now. */
export function roomChanged() {
  for (const card of cards) card.show();
}

page.button.addEventListener("click", () => {
  if (cards.length > 0) close(); else open();
});

function open() {
  cards = replicas.map((replica) => new Card(replica));
  page.cards.replaceChildren(...cards.map((card) => card.element));
  page.cards.hidden = false;
  page.button.textContent = "Close direct connections";
  page.panel.classList.add("open");
}

function close() {
  for (const card of cards) card.socket.disconnect();
  cards = [];
  page.cards.replaceChildren();
  page.cards.hidden = true;
  page.button.textContent = "Open direct connections";
  page.panel.classList.remove("open");
}

class Card {
  constructor({ name, port }) {
    this.replica = name;
    this.name = `${chat().name}@${name}`;
    this.rooms = new Set();
    this.build(port);
    this.connect(`${location.protocol}//${location.hostname}:${port}`);
    this.show();
  }

  build(port) {
    const title = make("header", "card-head");
    this.state = part("direct-state", "span", "state", "connecting");
    this.state.setAttribute("role", "status");
    title.append(badge(this.replica), make("span", "port", `:${port}`), this.state);

    this.log = part("direct-log", "ol", "log");
    this.log.setAttribute("role", "log");
    this.log.setAttribute("aria-label", `Log of ${this.replica}`);
    this.log.tabIndex = 0;

    this.form = part("direct-form", "form", "say");
    this.form.autocomplete = "off";
    this.input = part("direct-input", "input", "");
    this.input.setAttribute("aria-label", `Message by way of ${this.replica}`);
    this.join = this.makeButton("direct-join", "button", "quiet", "");
    this.send = this.makeButton("direct-send", "submit", "quiet", "Send");
    this.all = this.makeButton("direct-all", "button", "quiet", "To all");
    this.all.title = "Everyone on all replicas gets it, whatever room they are in";
    const buttons = make("div", "buttons");
    buttons.append(this.join, this.send, this.all);
    this.form.append(this.input, buttons);

    this.element = part("replica-card", "article", "replica-card");
    this.element.dataset.replica = this.replica;
    this.element.append(title, this.log, this.form);

    this.join.addEventListener("click", () => this.toggleRoom());
    this.all.addEventListener("click", () => this.say("all", { message: this.input.value }));
    this.input.addEventListener("input", () => this.show());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.send.disabled) return;
      this.say("message", { userId: this.name, room: chat().room, message: this.input.value });
    });
  }

  makeButton(testid, type, className, text) {
    const button = part(testid, "button", className, text);
    button.type = type;
    return button;
  }

  connect(url) {
    this.socket = io(url, {
      auth: { name: this.name },
      forceNew: true,
      transports: chat().transports,
      reconnectionDelay: 500,
      reconnectionDelayMax: 2000,
    });
    this.setState("connecting");
    this.socket.on("connect", () => {
      this.setState("connected");
      this.ask("whoami", undefined, (reply) => {
        const isRight = reply.replica === this.replica;
        this.note(isRight ? `connected to ${this.replica}` : `this is ${asText(reply.replica)}`);
      });
      for (const room of this.rooms) this.joinRoom(room);
    });
    this.socket.on("disconnect", (reason) => {
      this.setState(this.socket.active ? "down" : "disconnected");
      this.note(`disconnected: ${reason}`);
    });
    this.socket.on("connect_error", () => this.setState("down"));
    this.socket.on("message", (data) => {
      this.line("message", asText(data?.userId), asText(data?.message));
    });
    this.socket.on("all", (data) => this.line("all", "to all", asText(data?.message)));
    this.socket.on("error", (error) => this.note(asText(error?.message ?? error)));
  }

  setState(state) {
    this.state.textContent = state;
    this.state.dataset.state = state;
    this.element.dataset.state = state;
    this.show();
  }

  /** Makes labels and buttons fit the room that is shown and what is written. */
  show() {
    const room = chat().room;
    const isConnected = this.socket?.connected ?? false;
    const isEmpty = this.input.value.trim() === "";
    const isIn = this.rooms.has(room);
    this.join.textContent = isIn ? "Leave" : "Join";
    this.join.title = room === null ? "" : `${isIn ? "Leave" : "Join"} #${room}`;
    this.join.dataset.joined = String(isIn);
    this.join.disabled = !isConnected || room === null;
    this.send.title = room === null ? "" : `Send to #${room}`;
    this.input.placeholder = room === null ? "To all" : `To #${room}`;
    this.send.disabled = !isConnected || room === null || isEmpty;
    this.all.disabled = !isConnected || isEmpty;
  }

  toggleRoom() {
    const room = chat().room;
    if (this.rooms.delete(room)) {
      this.ask("leaveRoom", { room }, () => this.note(`left #${room}`));
    } else {
      this.rooms.add(room);
      this.joinRoom(room);
    }
    this.show();
  }

  joinRoom(room) {
    this.ask("joinRoom", { room }, (reply) => {
      this.note(`joined #${room}, ${many(reply.members, "member", "members")}`);
    });
  }

  say(event, request) {
    this.input.value = "";
    this.show();
    this.input.focus({ preventScroll: true });
    this.ask(event, request, () => {});
  }

  /** Sends a request; says in the log what is wrong with it, or hands the answer on. */
  ask(event, request, done) {
    const values = request === undefined ? [] : [request];
    this.socket.timeout(ACK_WITHIN_MS).emit(event, ...values, (error, reply) => {
      if (error) {
        if (this.socket.connected) this.note(`no answer to ${event}`);
      } else if (reply?.error) {
        if (request?.room !== undefined && event === "joinRoom") this.rooms.delete(request.room);
        this.note(asText(reply.error.message));
        this.show();
      } else {
        done(reply ?? {});
      }
    });
  }

  line(kind, who, text) {
    const item = this.note(text);
    item.dataset.kind = kind;
    item.className = kind;
    const author = make("span", "who", who);
    author.dir = "auto";
    item.prepend(author);
  }

  note(text) {
    const item = part("direct-entry", "li", "note");
    item.dataset.kind = "note";
    const what = part("direct-text", "span", "said", text);
    what.dir = "auto";
    item.append(what);
    const isAtEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 40;
    this.log.append(item);
    while (this.log.childElementCount > LINES_KEPT) this.log.firstElementChild.remove();
    if (isAtEnd) this.log.scrollTop = this.log.scrollHeight;
    return item;
  }
}
