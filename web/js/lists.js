// The lists of conversations and threads.

import { arrange, badge, byId, h, when } from "./dom.js";
import { sortedThreads } from "./store.js";

export function showConversations(conversations, current, counts) {
  const rows = conversations.map((one) => {
    const unread = counts.get(one.id) ?? one.unread;
    return row(`#/c/${one.id}`, one.title, when(one.last_activity_at), unread, one.id === current);
  });
  const none = h("li", { class: "empty" }, "There is none yet. Create the first one above.");
  keepFocus(byId("conversations"), rows.length ? rows : [none]);
}

export function showThreads(state, current) {
  const base = `#/c/${state.conversation.id}`;
  const rows = sortedThreads(state).map((thread) => {
    const many = thread.message_count === 1 ? "1 message" : `${thread.message_count} messages`;
    const detail = `${many} · ${when(thread.last_activity_at)}`;
    const unread = state.unread.get(thread.root_id) || 0;
    const name = thread.root_excerpt || "(deleted)";
    return row(`${base}/t/${thread.root_id}`, name, detail, unread, thread.root_id === current);
  });
  const none = h("li", { class: "empty" }, "No threads yet. Write the first message.");
  keepFocus(byId("threads"), rows.length ? rows : [none]);
  byId("more-threads").hidden = !state.threadsCursor;
}

function row(href, name, detail, unread, current) {
  return h(
    "li",
    {},
    h(
      "a",
      { href, class: unread ? "unread" : null, "aria-current": current ? "true" : null },
      h("span", { class: "name" }, name),
      badge(unread),
      h("span", { class: "detail" }, detail),
    ),
  );
}

// The rows are made anew; whoever stood on one with the keyboard goes on standing there.
function keepFocus(list, rows) {
  const focused = list.contains(document.activeElement) ? document.activeElement.hash : null;
  arrange(list, rows);
  if (focused) [...list.querySelectorAll("a")].find((link) => link.hash === focused)?.focus();
}
