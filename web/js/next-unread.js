// Where the next unread messages are when the open thread has none.

import { sortedConversations } from "./inbox.js";
import { sortedThreads, unreadOf } from "./store.js";

// The address of the next thread with unread messages after the open one: in its conversation, then
// in the others; null if there is none.
export async function findUnread(conversations, { state, root }) {
  const ids = sortedConversations(conversations.inbox).map(({ id }) => id);
  for (const id of rotate(ids, state?.conversation.id)) {
    if (!conversations.unreadIn(id)) continue;
    const found = unreadThread(await conversations.open(id), root);
    if (found) return `#/c/${id}/t/${found}`;
  }
  return null;
}

// The search begins behind the open thread: however fast one goes on, none is left out.
function unreadThread(state, openRoot) {
  const known = sortedThreads(state).map((thread) => thread.root_id);
  const roots = [...known, ...[...state.unread.keys()].filter((root) => !state.threads.has(root))];
  return rotate(roots, openRoot).find((root) => root !== openRoot && unreadOf(state, root) > 0);
}

// The list from an item on, then what is before it.
function rotate(list, item) {
  const at = Math.max(0, list.indexOf(item));
  return [...list.slice(at), ...list.slice(0, at)];
}
