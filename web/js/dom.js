// DOM helpers: elements are created without ever parsing text as HTML.

import { UNREAD_MAX } from "./store.js";

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

// Only for HTML that the server rendered and sanitised; DOMParser never runs scripts.
export function showHtml(element, html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const link of parsed.querySelectorAll("a[href]")) link.target = "_blank";
  element.replaceChildren(...parsed.body.childNodes);
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

// Announces a text to screen readers.
export function announce(text) {
  byId("announcer").textContent = text;
}

export function formatTime(timestamp) {
  const time = new Date(timestamp);
  const isToday = new Date().toDateString() === time.toDateString();
  const clock = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return isToday ? clock : `${time.toLocaleDateString()} ${clock}`;
}

export function badge(count) {
  if (!count) return null;
  const label = count >= UNREAD_MAX ? `${UNREAD_MAX}+` : String(count);
  return h("span", { class: "badge" }, label, h("span", { class: "hidden" }, " unread"));
}
