// The lists of conversations and threads. Their rows keep their elements from one update to the next.

import { byId, drawKeyed, formatTime, h, makeBadge, setBadge, withoutMarkup, withoutOverrides } from "./dom.js";
import { sortedThreads, unreadOf } from "./store.js";

// `unreadIn(id)` is the count of a conversation.
export function showConversations(conversations, currentId, unreadIn) {
  const rows = conversations.map(({ id, title, last_activity_at: time, last_message_excerpt: excerpt }) => ({
    key: id,
    href: `#/c/${id}`,
    name: withoutOverrides(title),
    detail: excerpt ? `${formatTime(time)} · ${withoutMarkup(excerpt)}` : formatTime(time),
    unread: unreadIn(id),
    isCurrent: id === currentId,
  }));
  drawRows(byId("conversations"), rows, "There is none yet. Create the first one above.");
}

export function showThreads(state, currentRoot) {
  const rows = sortedThreads(state).map((thread) => {
    const messages = thread.message_count === 1 ? "1 message" : `${thread.message_count} messages`;
    return {
      key: thread.root_id,
      href: `#/c/${state.conversation.id}/t/${thread.root_id}`,
      name: withoutMarkup(thread.root_excerpt) || "(deleted)",
      detail: `${messages} · ${formatTime(thread.last_activity_at)}`,
      unread: unreadOf(state, thread.root_id),
      isCurrent: thread.root_id === currentRoot,
    };
  });
  drawRows(byId("threads"), rows, "No threads yet. Write the first message.");
  byId("more-threads").hidden = !state.threadsCursor;
}

function drawRows(list, rows, emptyText) {
  drawKeyed(list, rows.length ? rows : [{ key: "empty" }], {
    keyOf: ({ key }) => key,
    create: ({ key }) => (key === "empty" ? h("li", { class: "empty" }, emptyText) : makeRow()),
    update: (element, row) => row.key !== "empty" && updateRow(element, row),
  });
}

function makeRow() {
  const [name, detail] = ["name", "detail"].map((part) => h("span", { class: part, dir: "auto" }));
  return h("li", {}, h("a", {}, name, makeBadge(), detail));
}

function updateRow(element, { href, name, detail, unread, isCurrent }) {
  const link = element.firstChild;
  const [nameElement, badge, detailElement] = link.children;
  if (link.getAttribute("href") !== href) link.setAttribute("href", href);
  if (nameElement.textContent !== name) nameElement.textContent = name;
  if (detailElement.textContent !== detail) detailElement.textContent = detail;
  setBadge(badge, unread);
  link.classList.toggle("unread", unread > 0);
  if (isCurrent) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}
