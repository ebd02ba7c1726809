// The rows of a thread in order: its loaded messages, and posts on their way in their places.

import { endOfBranch, indexOfMessage } from "./thread-window.js";

const MAX_LEVEL = 4;

// Items are `{ key, message }` or `{ key, entry }`, with the entry of a post.
export function itemsOf(tree, entries) {
  const items = tree ? tree.order.map((id) => ({ key: id, message: tree.messages.get(id).message })) : [];
  const places = new Map(); // of the posts, by key
  for (const { post } of entries) places.set(post.key, places.get(post.after) ?? placeOf(tree, post));
  const waiting = entries
    .filter((entry) => !isShown(tree, entry))
    .map((entry) => ({ at: places.get(entry.post.key), item: { key: entry.post.key, entry } }))
    .reverse()
    .sort((a, b) => b.at - a.at);
  for (const { at, item } of waiting) items.splice(at, 0, item);
  return items;
}

// At the end of the branch that it answers; at the end of what is loaded if that is elsewhere.
function placeOf(tree, { target }) {
  const index = tree && target ? indexOfMessage(tree, target.id) : -1;
  return index < 0 ? (tree?.order.length ?? 0) : endOfBranch(tree, index);
}

// Whether the message of a post is there already: its event may come before the response.
function isShown(tree, { post, posted, lastSeq }) {
  if (!tree) return false;
  if (posted) return tree.messages.has(posted.message_id);
  if (lastSeq === undefined || !post.target) return false;
  return tree.order.slice(indexOfMessage(tree, post.target.id)).some((id) => {
    const { message } = tree.messages.get(id);
    const isLater = message.seq > lastSeq && message.author_user_id === post.authorId;
    return isLater && message.parent_id === post.target.id && message.content === post.content;
  });
}

// The indentation of each item: a message right below its parent is at its parent's level, any other
// answer is one level deeper. Of a message whose parent is not loaded the level is a guess.
export function levelsOf(items) {
  const levels = new Map();
  items.forEach(({ key, message, entry }, index) => {
    const parentId = message ? message.parent_id : (entry.post.target?.id ?? entry.post.after);
    if (!parentId) return levels.set(key, 0);
    if (!levels.has(parentId)) return levels.set(key, message && message.depth === message.seq ? 0 : 1);
    const isBelowParent = items[index - 1].key === parentId;
    return levels.set(key, Math.min(MAX_LEVEL, levels.get(parentId) + (isBelowParent ? 0 : 1)));
  });
  return levels;
}

// The ids of the answers to each message, in the order of the tree; only loaded ones.
export function answersByQuestion(tree) {
  const found = new Map();
  for (const id of tree?.order ?? []) {
    const { message } = tree.messages.get(id);
    if (message.role !== "assistant" || message.deleted_at || !message.parent_id) continue;
    if (!found.has(message.parent_id)) found.set(message.parent_id, []);
    found.get(message.parent_id).push(id);
  }
  return found;
}

// Which of several answers a message is, or null.
export function placeAmong(ids = [], { id }) {
  return ids.length > 1 && ids.includes(id) ? { position: ids.indexOf(id) + 1, count: ids.length } : null;
}
