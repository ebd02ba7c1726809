// Snapshots make a state: the conversation, its first threads, what is unread, and a thread's pages.

import { get } from "./api.js";
import { addThreads, addTree, newState, setUnread } from "./store.js";

const PAGES_AT_ONCE = 2;

export async function loadConversation(id, me) {
  const base = `/api/conversations/${id}`;
  const conversation = await get(base);
  const [threads, unread] = await Promise.all([get(`${base}/threads`), get(`${base}/unread`)]);
  const state = newState(conversation, me);
  addThreads(state, threads);
  setUnread(state, unread);
  state.threadsCursor = threads.next_cursor ?? null;
  return state;
}

export async function loadTree(state, root) {
  let cursor = state.trees.get(root)?.cursor ?? null;
  for (let pages = 0; pages < PAGES_AT_ONCE; pages += 1) {
    const more = cursor ? `&cursor_path=${encodeURIComponent(cursor)}` : "";
    const answered = await get(`/api/threads/${root}/tree?render=html&limit=1000${more}`);
    addTree(state, answered);
    cursor = answered.next_cursor;
    if (!cursor) return;
  }
}

export async function loadMoreThreads(state) {
  const cursor = encodeURIComponent(state.threadsCursor);
  const answered = await get(`/api/conversations/${state.conversation.id}/threads?cursor=${cursor}`);
  addThreads(state, answered);
  state.threadsCursor = answered.next_cursor ?? null;
}
