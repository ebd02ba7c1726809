// Loading snapshots into a state: the conversation, its threads, unread counts, parts of a thread.

import * as api from "./api.js";
import { addThreads, addTree, newState, readingOf, setUnread } from "./store.js";
import { learnPage } from "./reading.js";
import { forgetFar } from "./thread-window.js";

const PAGE_SIZE = 60; // messages
const UNREAD_PAGE_SIZE = 200;
const MAX_MESSAGES = 5_000; // of a thread in memory

export async function loadConversation(id, user) {
  const conversation = await api.showConversation(id);
  const [threads, unread] = await Promise.all([api.listThreads(id), api.listUnread(id)]);
  const state = newState(conversation, user);
  addThreads(state, threads);
  setUnread(state, unread);
  state.threadsCursor = threads.next_cursor ?? null;
  return state;
}

// Loads the part of a thread around a message, or its end, in place of what is loaded.
export async function loadAround(state, root, messageId) {
  const place = messageId ? { around: messageId } : { before_path: api.PATH_END };
  addTree(state, await api.listTree(root, { ...place, limit: PAGE_SIZE }));
}

// Loads the beginning of a thread.
export async function loadStart(state, root) {
  addTree(state, await api.listTree(root, { limit: PAGE_SIZE }));
}

// Loads the next page at one end of what is loaded ("prev" or "next"), if the thread continues.
export async function loadPage(state, root, side) {
  const tree = state.trees.get(root);
  const cursor = tree?.[side];
  if (!cursor) return;
  const place = side === "prev" ? { before_path: cursor } : { cursor_path: cursor };
  const page = await api.listTree(root, { ...place, limit: PAGE_SIZE });
  if (state.trees.get(root) !== tree) return;
  addTree(state, page, side);
  forgetFar(tree, side, MAX_MESSAGES);
}

// Learns which messages lie above the mark, so that the mark can move over those that were seen.
// Returns whether there are more.
export async function loadUnread(state, root) {
  const reading = readingOf(state, root);
  const page = await api.listMessages(root, { afterSeq: reading.knownUpTo, limit: UNREAD_PAGE_SIZE });
  learnPage(reading, page.messages);
  return Boolean(page.next_cursor);
}

export async function loadMoreThreads(state) {
  const page = await api.listThreads(state.conversation.id, { cursor: state.threadsCursor });
  addThreads(state, page);
  state.threadsCursor = page.next_cursor ?? null;
}
