// Loading snapshots into a state: the conversation, its threads, unread counts, pages of a thread.

import { listThreads, listTree, listUnread, showConversation } from "./api.js";
import { addThreads, addTree, newState, setUnread } from "./store.js";

const PAGE_SIZE = 1_000;
const PAGES_PER_LOAD = 2;

export async function loadConversation(id, user) {
  const conversation = await showConversation(id);
  const [threads, unread] = await Promise.all([listThreads(id), listUnread(id)]);
  const state = newState(conversation, user);
  addThreads(state, threads);
  setUnread(state, unread);
  state.threadsCursor = threads.next_cursor ?? null;
  return state;
}

// Loads the next pages of a thread, at most two.
export async function loadTree(state, root) {
  for (let pages = 0; pages < PAGES_PER_LOAD; pages += 1) {
    const cursor = state.trees.get(root)?.cursor;
    if (pages > 0 && !cursor) return;
    addTree(state, await listTree(root, { cursor, limit: PAGE_SIZE }));
  }
}

export async function loadMoreThreads(state) {
  const page = await listThreads(state.conversation.id, { cursor: state.threadsCursor });
  addThreads(state, page);
  state.threadsCursor = page.next_cursor ?? null;
}
