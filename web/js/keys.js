// Keys of the page, when nothing is typed.
// `/` searches, n goes to the next unread message, m marks the thread as read, u as unread from here;
// Home and End are those of the thread.

import { announce } from "./dom.js";
import { showSearch } from "./search.js";

const isTyping = (element) => Boolean(element?.closest?.("input, textarea, select, [contenteditable]"));

export function addKeys({ page, view, marker, navigation, inBackground }) {
  const actions = {
    "/": () => showSearch(navigation.goToHash),
    n: () => marker.next(),
    m: () => inBackground(markAll),
    u: () => inBackground(markUnread),
    U: () => inBackground(markUnread),
    Home: () => inBackground(navigation.goToStart),
    End: () => inBackground(navigation.goToEnd),
  };

  async function markAll() {
    await marker.markAll();
    announce("Marked as read.");
  }

  async function markUnread() {
    await marker.markUnreadFrom(view.current());
    announce("Marked as unread from here.");
  }

  document.addEventListener("keydown", (event) => {
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    const action = actions[event.key];
    if (!action || hasModifier || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (!["n", "/"].includes(event.key) && !page.root) return;
    event.preventDefault();
    action();
  });
}
