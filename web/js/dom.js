// DOM helpers: elements are created without ever parsing text as HTML.

import { unreadLabel } from "./store.js";

export const byId = (id) => document.getElementById(id);

// Creates an element; attributes named `on…` are event listeners, false and null are left out.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const HEADINGS = "h1, h2, h3, h4, h5, h6";
const DIRECTED = "p, li, td, th, h3, h4, h5, h6"; // each has the direction of its own text

// The level of a heading in a message, below those of the page.
export const headingLevel = (level) => Math.min(6, level + 2);

function demote(heading) {
  const demoted = document.createElement(`h${headingLevel(Number(heading.localName[1]))}`);
  demoted.append(...heading.childNodes);
  heading.replaceWith(demoted);
}

// What scrolls a wide table; it has the focus for the keyboard.
export const frameOfTable = () => h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" });

// The blocks of HTML that the server rendered and sanitised; DOMParser never runs scripts.
export function parseBlocks(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const link of parsed.querySelectorAll("a[href]")) link.target = "_blank";
  for (const heading of parsed.querySelectorAll(HEADINGS)) demote(heading);
  for (const block of parsed.querySelectorAll(DIRECTED)) block.dir = "auto";
  for (const table of parsed.querySelectorAll("table")) {
    const frame = frameOfTable();
    table.replaceWith(frame);
    frame.append(table);
  }
  return [...parsed.body.children];
}

// Makes `elements` the children of a list, moving as few as possible.
export function arrange(parent, elements) {
  let next = parent.firstChild;
  for (const element of elements) {
    if (element === next) next = next.nextSibling;
    else parent.insertBefore(element, next);
  }
  while (next) {
    const surplus = next;
    next = next.nextSibling;
    surplus.remove();
  }
}

// A labelled input; `prefix` keeps the ids of two forms apart.
export function makeField(prefix, { name, label, optional, ...attributes }) {
  const id = `${prefix}-${name}`;
  return h("div", {}, h("label", { for: id }, label), h("input", { id, name, required: !optional, ...attributes }));
}

// Copies the text of a field. Returns false where the browser does not allow it; it is selected then.
export async function copyText(field) {
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return false;
  }
}

// Shows a text above the panes, at every width, until it is dismissed or replaced; "" hides it.
export function notify(text) {
  byId("notice-words").textContent = text;
  byId("notice").hidden = !text;
  announce(text);
}

// Announces a text to screen readers.
export function announce(text) {
  byId("announcer").textContent = text;
}

// Formatters are expensive to make.
const clockFormat = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const dateFormat = new Intl.DateTimeFormat();

export function formatTime(timestamp) {
  const time = new Date(timestamp);
  const isToday = new Date().toDateString() === time.toDateString();
  const clock = clockFormat.format(time);
  return isToday ? clock : `${dateFormat.format(time)} ${clock}`;
}

// Draws a list of items as keyed elements: an element stays as long as its key does, so that a click
// that began before an update ends on the same element.
export function drawKeyed(list, items, { keyOf, create, update }) {
  const known = new Map([...list.children].map((element) => [element.dataset.key, element]));
  const elements = items.map((item) => {
    const key = keyOf(item);
    const element = known.get(key) ?? create(item);
    element.dataset.key = key;
    update(element, item);
    return element;
  });
  arrange(list, elements);
}

// Sets a badge's count; 0 hides it.
export function setBadge(badge, count) {
  badge.hidden = !count;
  const label = unreadLabel(count);
  if (badge.firstChild.textContent !== label) badge.firstChild.textContent = label;
}

export const makeBadge = () =>
  h("span", { class: "badge" }, h("span", {}), h("span", { class: "hidden" }, " unread"));

// Hides an element; the keyboard focus in it goes to `next`, never to the body.
export function hide(element, isHidden, next) {
  if (isHidden && element.contains(document.activeElement)) next.focus({ preventScroll: true });
  element.hidden = isHidden;
}

const MARKUP = /\*\*|__|~~|`+|^\s*(?:#+|>)\s+/gm; // of Markdown, as the terminal leaves it out

// A text without Markdown markup, for places that do not render it.
export const withoutMarkup = (text) => withoutOverrides(text).replace(MARKUP, "");

const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g; // set the direction of what is after them

// A name or title that cannot show its letters in another order, as the server's HTML cannot.
export const withoutOverrides = (text) => text.replace(OVERRIDES, "");
