// Who is in the room that is shown, on whichever replica.
import { badge, byId, face, make, many, part } from "./dom.js";

const page = {
  total: byId("active-members"),
  counts: byId("replica-counts"),
  button: byId("members-button"),
  panel: byId("people"),
  list: byId("members"),
  number: byId("members-count"),
};

/** Shows the presence of the active room; null as long as nobody has told it. */
export function showMembers(presence, ownId) {
  const count = presence?.count ?? null;
  page.total.textContent = count === null ? "" : many(count, "member", "members");
  page.number.textContent = count === null ? "" : String(count);
  page.button.disabled = presence === null;
  const replicas = Object.entries(presence?.replicas ?? {});
  replicas.sort(([left], [right]) => left.localeCompare(right, undefined, { numeric: true }));
  page.counts.replaceChildren(...replicas.map(([replica, number]) => {
    const item = part("replica-count", "li", "replica-count");
    item.dataset.replica = replica;
    item.dataset.count = String(number);
    item.title = `${many(number, "member", "members")} on ${replica}`;
    item.append(badge(replica), make("span", "number", String(number)));
    return item;
  }));
  const members = Array.isArray(presence?.members) ? presence.members : [];
  page.list.replaceChildren(...members.map((member) => row(member, member.id === ownId)));
  if (count !== null && count > members.length && members.length > 0) {
    page.list.append(part("members-more", "li", "more", `and ${count - members.length} more`));
  }
}

function row(member, isOwn) {
  const item = part("member", "li", "member");
  item.dataset.name = member.name;
  item.dataset.replica = member.replica;
  const name = make("span", "name", member.name);
  name.dir = "auto";
  item.append(face(member.name), name);
  if (isOwn) item.append(make("span", "you", "you"));
  item.append(badge(member.replica));
  return item;
}

/** Where the list has no place beside the talk, a button opens it. */
function open(isOpen) {
  page.panel.classList.toggle("open", isOpen);
  page.button.setAttribute("aria-expanded", String(isOpen));
}

page.button.addEventListener("click", () => open(!page.panel.classList.contains("open")));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") open(false);
});
document.addEventListener("click", (event) => {
  if (!page.panel.contains(event.target) && !page.button.contains(event.target)) open(false);
});
