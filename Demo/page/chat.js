// The chat page. Whatever others write reaches the document through textContent only.
import { asText, badge, byId, drawing, face, knowReplicas, make } from "./dom.js";
import { showMembers } from "./members.js";
import { prepareReplicas, roomChanged, showReplicas } from "./replicas.js";

const ROUND_TRIP_EVERY_MS = 3000;
const ACK_WITHIN_MS = 10000;
const ENTRIES_KEPT = 500;
const ROUND_TRIPS_KEPT = 40;

/** What the client library calls a reason, in the words of people. */
const REASONS = {
  "io server disconnect": "the server ended the connection",
  "io client disconnect": "you disconnected",
  "ping timeout": "the server stopped answering",
  "transport close": "the connection was lost",
  "transport error": "the connection broke",
  "parse error": "the server sent something unreadable",
};

const page = {
  welcome: byId("welcome"),
  enterForm: byId("enter-form"),
  nameInput: byId("name-input"),
  chat: byId("chat"),
  myName: byId("my-name"),
  state: byId("state"),
  reason: byId("state-reason"),
  replica: byId("replica"),
  transport: byId("transport"),
  upgraded: byId("upgraded"),
  rtt: byId("rtt"),
  sparkLine: byId("spark-line"),
  connectionButton: byId("connection-button"),
  roomList: byId("room-list"),
  joinForm: byId("join-form"),
  roomInput: byId("room-input"),
  activeRoom: byId("active-room"),
  scroll: byId("scroll"),
  empty: byId("empty"),
  timeline: byId("timeline"),
  newest: byId("newest-button"),
  notice: byId("notice"),
  messageForm: byId("message-form"),
  messageInput: byId("message-input"),
  sendButton: byId("send-button"),
  broadcastButton: byId("broadcast-button"),
};

let socket;
let name = "";
let active = null;
let unseen = 0;
let noticeTimer;
let transports = ["polling", "websocket"];
/** The replica that served us last. */
let replica = null;
/** Room name → {count, members, replicas}, or null as long as the server has not said. */
const rooms = new Map();
/** What we sent and have not seen come back: {event, text, entry}. */
const underway = [];
const roundTrips = [];

// ---- the door

function enter(newName, firstRooms, transport) {
  name = newName;
  page.myName.textContent = name;
  page.welcome.hidden = true;
  page.chat.hidden = false;
  for (const room of firstRooms) rooms.set(room, null);
  active = firstRooms[0] ?? null;
  showRooms();
  connect(transport);
  (active ? page.messageInput : page.roomInput).focus({ preventScroll: true });
}

page.enterForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(page.enterForm);
  const given = form.get("name").trim();
  if (!given) {
    page.nameInput.value = "";
    page.nameInput.reportValidity();
    return;
  }
  const room = form.get("room").trim();
  enter(given, room ? [room] : [], form.get("transport"));
});

// ---- the connection

function connect(transport) {
  if (typeof io !== "function") {
    showState("disconnected", "the client library /socket.io/socket.io.js did not load");
    page.connectionButton.hidden = true;
    return;
  }
  if (transport !== "both") transports = [transport];
  socket = io({
    auth: { name },
    transports,
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
  });
  showState("connecting", "");

  socket.on("connect", () => {
    showState("connected", "");
    watchTransport(socket.io.engine);
    askWhoServesUs();
    // A new session on the server is in no room; ask for ours again.
    for (const room of rooms.keys()) join(room);
    measure();
  });
  socket.on("disconnect", (reason) => {
    const words = REASONS[reason] ? `${REASONS[reason]} (${reason})` : reason;
    showState(socket.active ? "reconnecting" : "disconnected", words);
    addNote(`Disconnected: ${words}`);
  });
  socket.on("connect_error", (error) => {
    if (socket.active) {
      showState("reconnecting", "the server cannot be reached");
    } else {
      showState("disconnected", `the server refused: ${error.message}`);
    }
  });
  socket.io.on("reconnect_attempt", (attempt) => {
    showState("reconnecting", `attempt ${attempt}`);
  });

  socket.on("message", (data) => {
    const text = asText(data?.message);
    if (settle("message", text, data?.userId)) return;
    const only = rooms.size === 1 ? [...rooms.keys()][0] : null;
    addEntry({ who: asText(data?.userId), room: only, text });
  });
  socket.on("all", (data) => {
    const text = asText(data?.message);
    if (settle("all", text, name)) return;
    addEntry({ who: "To everyone", text, broadcast: true });
  });
  socket.on("presence", (presence) => {
    if (!rooms.has(presence?.room)) return;
    rooms.set(presence.room, presence);
    showCounts();
  });
  socket.on("error", (error) => showNotice(asText(error?.message ?? error)));

  setInterval(measure, ROUND_TRIP_EVERY_MS);
}

page.connectionButton.addEventListener("click", () => {
  if (socket.active) {
    socket.disconnect();
    if (page.state.dataset.state !== "disconnected") {
      showState("disconnected", "you disconnected (io client disconnect)");
    }
  } else {
    showState("connecting", "");
    socket.connect();
  }
});

function showState(state, reason) {
  page.state.textContent = state;
  page.state.dataset.state = state;
  page.reason.textContent = reason;
  page.connectionButton.textContent = state === "disconnected" ? "Connect" : "Disconnect";
  page.chat.classList.toggle("offline", state !== "connected");
  if (state !== "connected") {
    page.replica.textContent = "–";
    page.transport.textContent = "–";
    page.upgraded.hidden = true;
    page.rtt.textContent = "–";
  }
  showComposer();
}

function askWhoServesUs() {
  socket.timeout(ACK_WITHIN_MS).emit("whoami", (error, reply) => {
    if (error || typeof reply?.replica !== "string") return;
    knowReplicas((reply.replicas ?? []).map((known) => asText(known.name)));
    page.replica.replaceChildren(badge(reply.replica));
    if (replica !== null && replica !== reply.replica) {
      addNote(`Now served by ${reply.replica}, before by ${replica}`);
    }
    replica = reply.replica;
    showReplicas(reply.replicas);
    showCounts();
  });
}

function watchTransport(engine) {
  page.transport.textContent = engine.transport.name;
  page.upgraded.hidden = true;
  engine.on("upgrade", (transport) => {
    if (engine !== socket.io.engine) return;
    page.transport.textContent = transport.name;
    page.upgraded.hidden = false;
  });
}

function measure() {
  if (!socket.connected) return;
  const start = performance.now();
  socket.timeout(ACK_WITHIN_MS).emit("echo", Math.round(start), (error) => {
    if (error || !socket.connected) return;
    const took = performance.now() - start;
    page.rtt.textContent = `${took < 10 ? took.toFixed(1) : Math.round(took)} ms`;
    roundTrips.push(took);
    if (roundTrips.length > ROUND_TRIPS_KEPT) roundTrips.shift();
    drawRoundTrips();
  });
}

function drawRoundTrips() {
  const top = Math.max(...roundTrips, 1);
  const step = 120 / (ROUND_TRIPS_KEPT - 1);
  const left = 120 - (roundTrips.length - 1) * step;
  const points = roundTrips.map((took, index) => {
    return `${(left + index * step).toFixed(1)},${(26 - 24 * (took / top)).toFixed(1)}`;
  });
  page.sparkLine.setAttribute("points", points.join(" "));
}

// ---- rooms

page.joinForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const room = page.roomInput.value.trim();
  if (!room) {
    page.roomInput.focus();
    return;
  }
  page.roomInput.value = "";
  if (!rooms.has(room)) {
    rooms.set(room, null);
    if (socket?.connected) join(room);
  }
  pick(room);
});

function join(room) {
  socket.timeout(ACK_WITHIN_MS).emit("joinRoom", { room, presence: true }, (error, reply) => {
    if (error) {
      if (socket.connected) showNotice(`The server did not answer about ${room}.`);
      return;
    }
    if (reply?.error) {
      showNotice(asText(reply.error.message));
      forget(room);
      return;
    }
    if (!rooms.has(room)) return;
    rooms.set(room, reply?.presence ?? null);
    showCounts();
    addNote(`You joined #${room}`);
  });
}

function leave(room) {
  forget(room);
  if (socket?.connected) {
    socket.emit("leaveRoom", { room }, (reply) => {
      if (reply?.error) showNotice(asText(reply.error.message));
    });
    addNote(`You left #${room}`);
  }
  (active ? page.messageInput : page.roomInput).focus({ preventScroll: true });
}

function forget(room) {
  rooms.delete(room);
  if (active === room) active = [...rooms.keys()].at(-1) ?? null;
  showRooms();
}

function pick(room) {
  active = room;
  showRooms();
  page.messageInput.focus({ preventScroll: true });
}

function showRooms() {
  page.roomList.replaceChildren(...[...rooms.keys()].map((room) => {
    const item = make("li", "room");
    item.dataset.testid = "room";
    item.dataset.room = room;
    const choose = make("button", "pick");
    choose.type = "button";
    choose.dataset.testid = "room-select";
    const label = make("span", "label", room);
    label.dir = "auto";
    choose.append(label, make("span", "count"));
    choose.addEventListener("click", () => pick(room));
    const out = make("button", "leave");
    out.type = "button";
    out.dataset.testid = "room-leave";
    out.setAttribute("aria-label", `Leave ${room}`);
    out.append(drawing("M5.5 5.5l9 9M14.5 5.5l-9 9"));
    out.addEventListener("click", () => leave(room));
    if (room === active) {
      item.classList.add("active");
      choose.setAttribute("aria-current", "true");
    }
    item.append(choose, out);
    return item;
  }));
  page.activeRoom.textContent = active === null ? "No room yet" : `#${active}`;
  page.roomList.querySelector(".active")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  showCounts();
  showComposer();
  roomChanged();
}

/** Shows who is where; the list of rooms stays as it is, and the focus in it. */
function showCounts() {
  for (const item of page.roomList.children) {
    const count = rooms.get(item.dataset.room)?.count;
    item.querySelector(".count").textContent = count === undefined ? "" : String(count);
  }
  showMembers(rooms.get(active) ?? null, socket?.id);
}

// ---- saying something

function showComposer() {
  const connected = socket?.connected ?? false;
  const isEmpty = page.messageInput.value.trim() === "";
  page.sendButton.disabled = !connected || active === null || isEmpty;
  page.broadcastButton.disabled = !connected || isEmpty;
  page.messageInput.placeholder =
    active === null ? "Join a room, or write to everyone" : `Write to #${active}`;
}

page.messageInput.addEventListener("input", showComposer);
page.messageInput.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!page.sendButton.disabled) page.messageForm.requestSubmit();
});
page.messageForm.addEventListener("submit", (event) => {
  event.preventDefault();
  if (page.sendButton.disabled) return;
  const text = page.messageInput.value;
  send("message", { userId: name, room: active, message: text }, { who: "You", room: active, text });
});
page.broadcastButton.addEventListener("click", () => {
  const text = page.messageInput.value;
  send("all", { message: text }, { who: "You, to everyone", text, broadcast: true });
});

function send(event, request, shown) {
  page.messageInput.value = "";
  showComposer();
  page.messageInput.focus({ preventScroll: true });
  const entry = addEntry({ ...shown, mine: true });
  entry.classList.add("pending");
  const sent = { event, text: shown.text, entry };
  underway.push(sent);
  socket.timeout(ACK_WITHIN_MS).emit(event, request, (error, reply) => {
    if (!error && !reply?.error) {
      entry.classList.remove("pending");
      return;
    }
    // An answer that never comes matters only if the message did not come back either.
    const index = underway.indexOf(sent);
    if (index < 0) return;
    underway.splice(index, 1);
    entry.classList.remove("pending");
    entry.classList.add("failed");
    const why = reply?.error ? asText(reply.error.message) : "No answer from the server.";
    entry.append(make("p", "trouble", `Not sent. ${why}`));
    scrollDown();
  });
}

/** Takes a message that came back to us off the list of those underway. */
function settle(event, text, userId) {
  if (userId !== name) return false;
  const index = underway.findIndex((sent) => sent.event === event && sent.text === text);
  if (index < 0) return false;
  const [sent] = underway.splice(index, 1);
  sent.entry.classList.remove("pending");
  return true;
}

// ---- the timeline

function addEntry({ who, room = null, text, mine = false, broadcast = false }) {
  const entry = make("li", "entry");
  entry.dataset.testid = "entry";
  entry.dataset.kind = broadcast ? "broadcast" : "message";
  entry.dataset.who = who;
  if (room !== null) entry.dataset.room = room;
  entry.classList.toggle("mine", mine);
  entry.classList.toggle("broadcast", broadcast);

  const last = page.timeline.lastElementChild;
  const follows = !broadcast && last?.dataset.kind === "message" && last.dataset.who === who
    && last.dataset.room === entry.dataset.room && last.classList.contains("mine") === mine;
  entry.classList.toggle("follows", follows);

  const by = make("div", "by");
  const author = make("span", "who", who);
  author.dir = "auto";
  author.dataset.testid = "entry-who";
  by.append(author);
  if (room !== null) {
    const where = make("span", "where", `${mine ? "to" : "in"} #${room}`);
    where.dataset.testid = "entry-room";
    by.append(where);
  }
  const now = new Date();
  const when = make("time", "when", now.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  when.dateTime = now.toISOString();
  by.append(when);
  const what = make("div", "what", text);
  what.dir = "auto";
  what.dataset.testid = "entry-text";
  entry.append(face(who), by, what);
  append(entry, mine);
  return entry;
}

function addNote(text) {
  const note = make("li", "note", text);
  note.dataset.testid = "note";
  append(note, false);
}

function append(item, isOurs) {
  const atEnd = page.scroll.scrollHeight - page.scroll.scrollTop - page.scroll.clientHeight < 80;
  page.timeline.append(item);
  while (page.timeline.childElementCount > ENTRIES_KEPT) page.timeline.firstElementChild.remove();
  page.empty.hidden = true;
  if (atEnd || isOurs) {
    scrollDown();
  } else {
    page.newest.hidden = false;
  }
  if (document.hidden) {
    unseen += 1;
    document.title = `(${unseen}) Rooms`;
  }
}

function scrollDown() {
  page.scroll.scrollTop = page.scroll.scrollHeight;
  page.newest.hidden = true;
}

page.newest.addEventListener("click", scrollDown);
page.scroll.addEventListener("scroll", () => {
  const rest = page.scroll.scrollHeight - page.scroll.scrollTop - page.scroll.clientHeight;
  if (rest < 8) page.newest.hidden = true;
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unseen = 0;
  document.title = "Rooms";
});

function showNotice(text) {
  page.notice.textContent = text;
  page.notice.hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { page.notice.hidden = true; }, 8000);
}

// ---- a direct link: ?name=Ada&room=general&room=swift&transport=polling&direct=1

{
  const query = new URLSearchParams(location.search);
  const transport = ["polling", "websocket"].find((known) => known === query.get("transport"));
  const given = (query.get("name") ?? "").trim().slice(0, 40);
  const wanted = query.getAll("room").map((room) => room.trim()).filter((room) => room !== "");
  prepareReplicas(() => ({ name, room: active, transports }), query.get("direct") === "1");
  if (given) {
    enter(given, [...new Set(wanted)], transport ?? "both");
  } else {
    if (wanted.length > 0) byId("first-room-input").value = wanted[0];
    page.enterForm.elements.transport.value = transport ?? "both";
    page.nameInput.focus();
  }
}
