// The state of one conversation: snapshots start it, events keep it current.
// `apply(state, event)` returns what changed; it is the same design as the terminal's store.

export const UNREAD_MAX = 1000; // unread counts stop here: this many, or more

const TYPING_TIMEOUT_MS = 35_000; // longer than the server shows a user as typing without renewal
const UNPLACED_MAX = 256;

const eventNumber = (id) => Number(/^evt_(\d+)$/.exec(id || "")?.[1] ?? NaN);

export function newState(conversation, me) {
  return {
    me,
    conversation,
    position: conversation.last_event_id || "",
    threads: new Map(), // summaries by root
    threadsCursor: null,
    unread: new Map(), // counts by root
    unreadAsOf: NaN, // the number of the event up to which `unread` was fetched
    trees: new Map(), // loaded threads by root
    unplaced: new Map(), // the latest messages of threads that are not loaded, by id
    partials: new Map(), // texts of answers in progress, by message
    errors: new Map(), // why answers failed, by message
    presence: new Map(), // statuses by user
    typing: new Map(), // other users who are typing, with the thread and an end time, by user
  };
}

export function addThreads(state, page) {
  for (const thread of page.threads) {
    const loaded = state.threads.get(thread.root_id);
    if (!loaded || loaded.last_activity_at <= thread.last_activity_at) {
      state.threads.set(thread.root_id, thread);
    }
  }
}

// Replaces the counts; later messages add to them until the server sends its own count.
export function setUnread(state, snapshot) {
  state.unreadAsOf = eventNumber(snapshot.last_event_id);
  state.unread = new Map(snapshot.threads.map((thread) => [thread.root_id, thread.unread]));
}

// Replaces presence and typing indicators.
export function setPresence(state, snapshot) {
  const others = snapshot.typing.filter((indicator) => indicator.user_id !== state.me.id);
  state.presence = new Map(snapshot.users.map((user) => [user.user_id, user.status]));
  state.typing = new Map(others.map((indicator) => [indicator.user_id, newTyping(indicator.root_id)]));
}

// Adds a page of a thread; messages that a later event changed are kept.
export function addTree(state, page) {
  const tree = state.trees.get(page.root_id) || treeFromUnplaced(state, page.root_id);
  const number = eventNumber(page.last_event_id);
  for (const message of page.messages) {
    const loaded = tree.messages.get(message.id);
    if (!loaded || !(loaded.number > number)) tree.messages.set(message.id, { message, number });
    if (!message.streaming) state.partials.delete(message.id);
  }
  tree.cursor = page.next_cursor ?? null;
  state.trees.set(page.root_id, tree);
}

// A tree of the messages that events brought before the first page, which may be older.
function treeFromUnplaced(state, root) {
  const messages = [...state.unplaced].filter(([, { message }]) => message.root_id === root);
  for (const [id] of messages) state.unplaced.delete(id);
  return { messages: new Map(messages), cursor: null };
}

function keepUnplaced(state, message, number) {
  state.unplaced.delete(message.id);
  state.unplaced.set(message.id, { message, number });
  if (state.unplaced.size > UNPLACED_MAX) state.unplaced.delete(state.unplaced.keys().next().value);
}

export function sortedThreads(state) {
  return [...state.threads.values()].sort(
    (a, b) =>
      b.last_activity_at.localeCompare(a.last_activity_at) || b.root_id.localeCompare(a.root_id),
  );
}

// Depth first: paths are ASCII, and their byte order is the order of the tree.
export function sortedMessages(tree) {
  const byPath = (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  return [...tree.messages.values()].map((entry) => entry.message).sort(byPath);
}

export function totalUnread(state) {
  return [...state.unread.values()].reduce((sum, count) => sum + count, 0);
}

export function textOf(state, message) {
  const partial = state.partials.get(message.id)?.text ?? "";
  return message.streaming && partial.length > message.content.length ? partial : message.content;
}

export function apply(state, event) {
  if (event.id && eventNumber(event.id) <= eventNumber(state.position)) return {};
  const changes = HANDLERS[event.type](state, event.payload, event.id);
  if (event.id) state.position = event.id;
  return changes;
}

// One handler per event type of the contract; tests/repo/test_events_handled.py compares the keys
// with the server's events.
const HANDLERS = {
  "thread.new"(state, { summary }) {
    state.threads.set(summary.root_id, summary);
    return { threads: true };
  },
  "thread.activity"(state, activity) {
    const thread = state.threads.get(activity.root_id);
    if (!thread) return { needsFetch: "threads" };
    state.threads.set(activity.root_id, { ...thread, ...activity });
    return { threads: true };
  },
  "message.new"(state, { message }, id) {
    const stopped = stopTyping(state, message.author_user_id, message.root_id);
    const changes = { ...upsertMessage(state, { message }, id), ...stopped };
    if (message.author_user_id === state.me.id || eventNumber(id) <= state.unreadAsOf) return changes;
    const unread = (state.unread.get(message.root_id) ?? 0) + 1;
    state.unread.set(message.root_id, Math.min(UNREAD_MAX, unread));
    return { ...changes, unread: true };
  },
  "message.updated": (state, payload, id) => upsertMessage(state, payload, id),
  "message.delta": (state, delta) => appendDelta(state, delta),
  "message.done": (state, done, id) => finishAnswer(state, done, id),
  "membership.changed"(state, { action, user_id: userId }) {
    if (action !== "removed") return {}; // the page shows no list of participants
    const stopped = stopTyping(state, userId, state.typing.get(userId)?.root);
    return { ...stopped, left: userId === state.me.id };
  },
  "conversation.updated"(state, { conversation }) {
    state.conversation = { ...state.conversation, ...conversation };
    return { conversation: true };
  },
  "error"(state, { message_id: id, message }) {
    if (!id) return {};
    state.errors.set(id, message);
    return { message: id };
  },
  "unread.update"(state, { root_id: root, user_id: userId, unread }) {
    if (userId !== state.me.id) return {};
    state.unread.set(root, unread);
    return { unread: true };
  },
  "presence.update"(state, { user_id: userId, status }) {
    state.presence.set(userId, status);
    return { presence: true };
  },
  "typing.update"(state, { root_id: root, user_id: userId, expires_at: expiresAt }) {
    if (Date.parse(expiresAt) <= 0) return stopTyping(state, userId, root);
    if (userId === state.me.id) return {};
    state.typing.set(userId, newTyping(root));
    return { typing: true };
  },
  "stream.open": () => ({}), // the feed reports the connection
  "stream.reset": () => ({ needsFetch: "all" }),
  "stream.closed": (state, { reason }) => ({ left: reason !== "shutdown", reason }),
};

// The event types that the page subscribes to.
export const EVENT_TYPES = Object.keys(HANDLERS);

// Indicators end without an event too: the event that ends one may not arrive.
const newTyping = (root) => ({ root, until: performance.now() + TYPING_TIMEOUT_MS });

function stopTyping(state, userId, root) {
  if (!root || state.typing.get(userId)?.root !== root) return {};
  state.typing.delete(userId);
  return { typing: true };
}

function upsertMessage(state, { message }, id) {
  const number = eventNumber(id);
  if (!message.streaming) state.partials.delete(message.id);
  const tree = state.trees.get(message.root_id);
  if (!tree) {
    keepUnplaced(state, message, number);
    return {};
  }
  if (tree.messages.get(message.id)?.number > number) return {};
  const isNew = !tree.messages.has(message.id);
  tree.messages.set(message.id, { message, number });
  return { root: message.root_id, message: message.id, isNew };
}

// Offsets count code points; the length of a JavaScript string counts UTF-16 units.
function appendDelta(state, delta) {
  const entry = state.trees.get(delta.root_id)?.messages.get(delta.message_id);
  if (entry && !entry.message.streaming) return {};
  const start = entry?.message.content ?? "";
  const partial = state.partials.get(delta.message_id) ?? { text: start, length: [...start].length };
  const characters = [...delta.choices.map((choice) => choice.delta.content || "").join("")];
  const overlap = partial.length - delta.offset;
  if (overlap < 0 || overlap >= characters.length) return {};
  partial.text += characters.slice(overlap).join("");
  partial.length += characters.length - overlap;
  state.partials.set(delta.message_id, partial);
  return { streamed: delta.message_id };
}

function finishAnswer(state, done, id) {
  const number = eventNumber(id);
  const partial = state.partials.get(done.message_id)?.text ?? "";
  state.partials.delete(done.message_id);
  const tree = state.trees.get(done.root_id);
  const entry = tree?.messages.get(done.message_id);
  if (!entry || entry.number > number) return {};
  const before = entry.message;
  const content = before.streaming && partial.length > before.content.length ? partial : before.content;
  const message = { ...before, content, streaming: false, finish_reason: done.finish_reason };
  tree.messages.set(message.id, { message, number });
  return { root: message.root_id, message: message.id, finishReason: done.finish_reason };
}
