// Notes: what happened, in the page's message slot. They stay until what they say is over, or they are closed.
import { alarm, make, text } from "./page.js";

/**
 * @typedef {object} Note
 * @property {string} id one note of an ID at a time
 * @property {"info"|"ok"|"warn"|"bad"} kind warn and bad are read out at once
 * @property {string} title
 * @property {string} [body]
 * @property {{text: string, key?: string, href?: string, run?: () => void}[]} [actions]
 * @property {boolean} [closes] it has a button that closes it
 */

const icons = {
  info: "M10 1.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M10 9v5M10 5.8v.4",
  ok: "M4 10.5l4 4 8-9",
  warn: "M10 2l8.5 15.5h-17zM10 8v4M10 14.6v.3",
};

/** The message slot nearest to an element; a line of the cart has one of its own. @param {Element} [near] */
function slot(near = document.body) {
  const own = near.closest("[data-quantity]")?.querySelector("[data-messages]");
  if (own) return own;
  for (let around = near; around; around = around.parentElement) {
    const found = around.querySelector('[data-messages=""]');
    if (found) return found;
  }
  return null;
}

/**
 * Shows a note in place of the one with its ID.
 * @param {Note} note @param {Element} [near] @returns {HTMLElement}
 */
export function show(note, near) {
  const element = make("div", { className: `note ${note.kind}`, id: `note-${note.id}`, "data-note": note.id });
  const says = make("div", { id: `note-${note.id}-text` }, make("strong", {}, note.title));
  if (note.body) says.append(" ", note.body);
  element.append(icon(note.kind), says);

  const actions = (note.actions ?? []).map((action) => button({ look: "btn s", ...action }, says.id));
  if (note.closes) actions.push(button({ look: "lnk", text: text("close"), run: () => drop(note.id) }, says.id));
  if (actions.length) element.append(make("div", { className: "act" }, ...actions));

  const place = slot(near);
  const old = document.querySelector(`[data-messages] [data-note="${CSS.escape(note.id)}"]`);
  if (old && old.parentElement.dataset.messages === place?.dataset.messages) old.replaceWith(element);
  else {
    old?.remove(); // it was about another line
    place?.append(element);
    place?.closest("details")?.setAttribute("open", "");
  }
  if (note.kind === "warn" || note.kind === "bad") alarm(says.textContent);
  return element;
}

/** The server's notes about the order and its lines. @param {Element} root */
export const notesIn = (root) => [...root.querySelectorAll("[data-region] .note")];

/**
 * Makes the server's notes known that an answer has brought: as for those made here, the folded order opens, and what is
 * wrong is read out. @param {Element} root @param {Element[]} before those that stood there
 */
export function tell(root, before) {
  const known = new Set(before.map(({ textContent }) => textContent));
  const told = notesIn(root).filter(({ textContent }) => !known.has(textContent));
  for (const note of told) note.closest("details")?.setAttribute("open", "");
  const urgent = told.filter((note) => note.matches(".warn, .bad"));
  if (urgent.length) alarm(urgent.map((note) => note.querySelector("div").textContent.trim()).join(" "));
}

/** Takes a note away, the server's too; the focus stays in the page. @param {string} id */
export function drop(id) {
  for (const element of document.querySelectorAll(`[data-note="${CSS.escape(id)}"]`)) {
    const focused = element.contains(document.activeElement);
    const around = element.closest("aside, main");
    element.remove();
    if (focused) around?.querySelector("[data-key], summary, a, button, input")?.focus();
  }
}

function button({ look, text: label, key, href, run }, describedBy) {
  const properties = { className: look, "aria-describedby": describedBy };
  if (key) properties["data-key"] = key;
  if (href) return make("a", { ...properties, href }, label);
  const element = make("button", { ...properties, type: "button" }, label);
  element.addEventListener("click", run);
  return element;
}

function icon(kind) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of [["viewBox", "0 0 20 20"], ["width", "20"], ["height", "20"], ["aria-hidden", "true"]]) {
    svg.setAttribute(name, value);
  }
  for (const [name, value] of [["d", icons[kind] ?? icons.warn], ["fill", "none"], ["stroke", "currentColor"], ["stroke-width", "2"]]) {
    path.setAttribute(name, value);
  }
  svg.append(path);
  return svg;
}
