// Small things that every part of the page needs.

export const byId = (id) => document.getElementById(id);

/** An element with a class and, if given, a text; never markup. */
export function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** As `make`, with the name by which tests find it. */
export function part(testid, tag, className, text) {
  const element = make(tag, className, text);
  element.dataset.testid = testid;
  return element;
}

/** A line drawing of 20 by 20. */
export function drawing(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Any JSON value as text; a text is itself. */
export function asText(value) {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

/** A colour of their own for every name. */
export function hue(text) {
  let sum = 7;
  for (const character of text) sum = (sum * 31 + character.codePointAt(0)) % 3600;
  return sum % 360;
}

/** The first letter of a name in a circle of its colour. */
export function face(who) {
  const circle = make("span", "face", [...who][0]?.toUpperCase() ?? "?");
  circle.setAttribute("aria-hidden", "true");
  circle.style.setProperty("--hue", String(hue(who)));
  return circle;
}

const replicasSeen = [];

/** Makes the colours of replicas follow this order. */
export function knowReplicas(names) {
  for (const name of names) if (!replicasSeen.includes(name)) replicasSeen.push(name);
}

/** The name of a replica on a colour of its own: neighbours in name are far apart in colour. */
export function badge(replica) {
  knowReplicas([replica]);
  const label = make("span", "badge", replica);
  label.style.setProperty("--hue", String((replicasSeen.indexOf(replica) * 137 + 205) % 360));
  return label;
}

/** How a count of things is said. */
export function many(count, one, more) {
  return `${count} ${count === 1 ? one : more}`;
}
