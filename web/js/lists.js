// The lists of conversations and threads.

import { arrange, badge, byId, formatTime, h } from "./dom.js";
import { sortedThreads } from "./store.js";

// `unreadById` has the counts that are more recent than those in the list.
export function showConversations(conversations, currentId, unreadById) {
  const rows = conversations.map((conversation) => {
    const { id, title, last_activity_at: time } = conversation;
    const unread = unreadById.get(id) ?? conversation.unread;
    return row(`#/c/${id}`, title, formatTime(time), unread, id === currentId);
  });
  const empty = h("li", { class: "empty" }, "There is none yet. Create the first one above.");
  replaceRows(byId("conversations"), rows.length ? rows : [empty]);
}

export function showThreads(state, currentRoot) {
  const base = `#/c/${state.conversation.id}`;
  const rows = sortedThreads(state).map((thread) => {
    const messages = thread.message_count === 1 ? "1 message" : `${thread.message_count} messages`;
    const detail = `${messages} · ${formatTime(thread.last_activity_at)}`;
    const unread = state.unread.get(thread.root_id) || 0;
    const name = thread.root_excerpt || "(deleted)";
    return row(`${base}/t/${thread.root_id}`, name, detail, unread, thread.root_id === currentRoot);
  });
  const empty = h("li", { class: "empty" }, "No threads yet. Write the first message.");
  replaceRows(byId("threads"), rows.length ? rows : [empty]);
  byId("more-threads").hidden = !state.threadsCursor;
}

function row(href, name, detail, unread, isCurrent) {
  return h(
    "li",
    {},
    h(
      "a",
      { href, class: unread ? "unread" : null, "aria-current": isCurrent ? "true" : null },
      h("span", { class: "name" }, name),
      badge(unread),
      h("span", { class: "detail" }, detail),
    ),
  );
}

// The rows are new elements; the link that had the keyboard focus gets it back.
function replaceRows(list, rows) {
  const focused = list.contains(document.activeElement) ? document.activeElement.hash : null;
  arrange(list, rows);
  if (focused) [...list.querySelectorAll("a")].find((link) => link.hash === focused)?.focus();
}
