// What this browser keeps for a user: drafts with their targets by place, and posts until the server
// has acknowledged them. A place is the root of a thread, or "new:" and a conversation. The storage
// belongs to this page's server alone, and every name has the user's id.

const MAX_DRAFTS = 100;
const MAX_POST_AGE_MS = 23 * 3_600_000; // the server knows an idempotency key for 24 hours

const draftName = (userId, place) => `rustygpt:draft:${userId}:${place}`;
const postName = (userId, key) => `rustygpt:post:${userId}:${key}`;

export const newThreadPlace = (conversationId) => `new:${conversationId}`;

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null; // written by something else, or there is no storage
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // The storage is full or closed: the draft lives as long as the page.
  }
}

const namesWith = (prefix) => Object.keys(localStorage).filter((name) => name.startsWith(prefix));

// A draft is `{ text, attachments, target, savedAt }`.
export function loadDraft(userId, place) {
  return read(draftName(userId, place));
}

export function saveDraft(userId, place, draft) {
  const name = draftName(userId, place);
  if (!draft.text && !draft.attachments?.length) return localStorage.removeItem(name);
  write(name, { ...draft, savedAt: Date.now() });
  const names = namesWith(draftName(userId, ""));
  if (names.length <= MAX_DRAFTS) return;
  names.sort((a, b) => (read(a)?.savedAt ?? 0) - (read(b)?.savedAt ?? 0));
  for (const old of names.slice(0, names.length - MAX_DRAFTS)) localStorage.removeItem(old);
}

export function savePost(userId, post) {
  write(postName(userId, post.key), post);
}

export function removePost(userId, key) {
  localStorage.removeItem(postName(userId, key));
}

// The posts that were not acknowledged, oldest first. One that is too old to be repeated safely is
// returned with `isExpired`.
export function loadPosts(userId) {
  return namesWith(postName(userId, ""))
    .map(read)
    .filter(Boolean)
    .map((post) => ({ ...post, isExpired: Date.now() - post.createdAt > MAX_POST_AGE_MS }))
    .sort((a, b) => a.createdAt - b.createdAt);
}
