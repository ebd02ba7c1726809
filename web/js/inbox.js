// The entries of the list of conversations: all of them, also those whose messages are not loaded.
// `applyToList(inbox, event)` keeps them current; positions make an event count once.

import { eventNumber, UNREAD_MAX } from "./store.js";

const EXCERPT_CHARACTERS = 240;

// An entry is `{ conversation, position, unread, unreadByRoot }`; the counts by root are null until
// they are fetched.
export function newInbox(me) {
  return { me, entries: new Map() };
}

export function setConversations(inbox, conversations) {
  const earlier = inbox.entries;
  inbox.entries = new Map(
    conversations.map((conversation) => {
      const { id, unread, last_event_id: position } = conversation;
      const known = earlier.get(id);
      const isNewer = known && !(eventNumber(position) >= eventNumber(known.position));
      return [id, isNewer ? known : { conversation, position, unread, unreadByRoot: null }];
    }),
  );
}

export function setUnreadByRoot(inbox, id, snapshot) {
  const entry = inbox.entries.get(id);
  if (!entry) return;
  entry.unreadByRoot = new Map(snapshot.threads.map((thread) => [thread.root_id, thread.unread]));
  entry.unread = totalOf(entry);
}

const totalOf = (entry) =>
  Math.min(
    UNREAD_MAX,
    [...entry.unreadByRoot.values()].reduce((sum, count) => sum + count, 0),
  );

// Latest activity first; the server's own order for entries of the same moment.
export function sortedConversations(inbox) {
  return [...inbox.entries.values()]
    .map((entry) => entry.conversation)
    .sort((a, b) => (a.last_activity_at < b.last_activity_at ? 1 : a.last_activity_at > b.last_activity_at ? -1 : 0));
}

export function conversationOf({ type, payload }) {
  if (type === "presence.update") return null;
  return payload.conversation_id ?? payload.message?.conversation_id ?? payload.conversation?.id ?? null;
}

// Returns what has to be fetched: "list", "unread" (the counts by thread of this conversation), or
// nothing; `changed` says that the list has to be drawn again.
export function applyToList(inbox, event) {
  const id = conversationOf(event);
  const entry = inbox.entries.get(id);
  if (event.type === "stream.open") return { fetch: "list" };
  if (event.type === "stream.reset") return onReset(inbox, id, event.payload.reason);
  if (event.type === "membership.changed") return onMembership(inbox, id, event);
  if (!entry) return event.id ? { fetch: "list" } : {};
  if (event.id) {
    if (eventNumber(event.id) <= eventNumber(entry.position)) return {};
    entry.position = event.id;
  }
  if (event.type === "conversation.deleted") return { ...remove(inbox, id), reason: "deleted" };
  if (event.type === "conversation.updated" && event.payload.conversation.archived_at) {
    return { changed: inbox.entries.delete(id) };
  }
  return ENTRY_HANDLERS[event.type]?.(entry, event.payload, inbox.me) ?? {};
}

function remove(inbox, id) {
  return { changed: inbox.entries.delete(id), removed: id };
}

function onReset(inbox, id, reason) {
  return reason === "removed" ? remove(inbox, id) : { fetch: "list" };
}

function onMembership(inbox, id, { payload, id: position }) {
  const entry = inbox.entries.get(id);
  if (eventNumber(position) <= eventNumber(entry?.position)) return {};
  if (entry) entry.position = position;
  if (payload.user_id !== inbox.me.id) return {};
  return payload.action === "removed" ? remove(inbox, id) : { fetch: "list" };
}

// An answer that has no text yet leaves the words before it.
function showExcerpt(entry, { content }) {
  if (!content) return;
  entry.conversation = {
    ...entry.conversation,
    last_message_excerpt: content.slice(0, EXCERPT_CHARACTERS),
  };
}

const ENTRY_HANDLERS = {
  "message.new"(entry, { message }, me) {
    entry.conversation = { ...entry.conversation, last_activity_at: message.created_at };
    showExcerpt(entry, message);
    if (message.author_user_id === me.id || message.deleted_at) return { changed: true };
    entry.unread = Math.min(UNREAD_MAX, entry.unread + 1);
    const { unreadByRoot } = entry;
    unreadByRoot?.set(message.root_id, (unreadByRoot.get(message.root_id) ?? 0) + 1);
    return { changed: true };
  },
  // What a person changed comes with conversation.updated if the excerpt is another one.
  "message.updated"(entry, { message, change }) {
    if (change) return {};
    showExcerpt(entry, message);
    return { changed: true };
  },
  "unread.update"(entry, { root_id: root, user_id: userId, unread }, me) {
    if (userId !== me.id) return {};
    if (!entry.unreadByRoot) return { fetch: "unread", id: entry.conversation.id };
    entry.unreadByRoot.set(root, unread);
    entry.unread = totalOf(entry);
    return { changed: true };
  },
  "conversation.updated"(entry, { conversation, last_message_excerpt: excerpt }) {
    entry.conversation = { ...entry.conversation, ...conversation, last_message_excerpt: excerpt };
    return { changed: true };
  },
};
