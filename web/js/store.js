// The state of one conversation: snapshots start it, events keep it current.
// `apply(state, event)` returns what changed; it is the same design as the terminal's store.

import { withRate } from "./answer-status.js";
import { mergeDelta, newPartial } from "./answers.js";
import { learn, newReading, setMark, unfinishedCount } from "./reading.js";
import { covers, extend, put, windowOf } from "./thread-window.js";

export const UNREAD_MAX = 1000; // unread counts stop here: this many, or more

// An unread count for a person.
export const unreadLabel = (count) => (count >= UNREAD_MAX ? `${UNREAD_MAX}+` : `${count}`);

const TYPING_TIMEOUT_MS = 35_000; // longer than the server shows a user as typing without renewal
const UNPLACED_MAX = 512;

export const eventNumber = (id) => Number(/^evt_(\d+)$/.exec(id || "")?.[1] ?? NaN);

export function newState(conversation, me) {
  return {
    me,
    conversation,
    position: conversation.last_event_id || "",
    threads: new Map(), // summaries by root
    threadsCursor: null,
    unread: new Map(), // counts by root
    unreadAsOf: NaN, // the number of the event up to which `unread` was fetched
    firstUnread: new Map(), // by root: the first unread message in the order of the tree
    readings: new Map(), // what is read, of the threads that were opened, by root
    trees: new Map(), // the loaded part of threads, by root
    unplaced: new Map(), // the latest messages outside the loaded parts, by id
    partials: new Map(), // texts of answers in progress, by message
    statuses: new Map(), // states of answers in progress, by message
    errors: new Map(), // why answers failed, by message
    presence: new Map(), // statuses by user
    typing: new Map(), // other users who are typing, with the thread and an end time, by user
  };
}

// Whether a user may post; the server decides, this is for what is offered.
export const isWriter = ({ role }, { roles }) => role !== "viewer" && !roles.includes("read_only");
export const mayWrite = (conversation, user) => !conversation.archived_at && isWriter(conversation, user);

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
  state.firstUnread = new Map(snapshot.threads.map((thread) => [thread.root_id, thread.first_unread]));
  for (const { root_id: root, read_seq: seq } of snapshot.threads) markUpTo(state, root, seq);
}

// What the user has read of a thread; `seq` is the mark as far as the summary of the thread has it.
export function readingOf(state, root) {
  if (!state.readings.has(root)) {
    state.readings.set(root, newReading(state.threads.get(root)?.read_seq ?? 0, state.me.id));
  }
  return state.readings.get(root);
}

// Sets the count and the mark of a thread as the server has them.
export function setThreadUnread(state, { root_id: root, unread, read_seq: seq }) {
  state.unread.set(root, unread);
  markUpTo(state, root, seq);
}

function markUpTo(state, root, seq) {
  if (seq === undefined) return;
  const thread = state.threads.get(root);
  if (thread) state.threads.set(root, { ...thread, read_seq: seq });
  if (state.readings.has(root)) setMark(state.readings.get(root), seq);
}

// The unread messages of a thread without those that were seen just now, and answers in progress, which
// cannot be read to their end yet.
export function unreadOf(state, root) {
  const count = state.unread.get(root) ?? 0;
  if (count >= UNREAD_MAX) return count;
  const reading = state.readings.get(root);
  if (!reading) return count;
  return Math.max(0, count - reading.seen.size - unfinishedCount(reading));
}

// Replaces presence and typing indicators.
export function setPresence(state, snapshot) {
  const others = snapshot.typing.filter((indicator) => indicator.user_id !== state.me.id);
  state.presence = new Map(snapshot.users.map((user) => [user.user_id, user.status]));
  state.typing = new Map(others.map((indicator) => [indicator.user_id, newTyping(indicator.root_id)]));
}

// Adds a page of a thread: at an end of what is loaded, or in its place.
export function addTree(state, page, side = "replace") {
  const number = eventNumber(page.last_event_id);
  const loaded = state.trees.get(page.root_id);
  if (loaded && side !== "replace") extend(loaded, page, number, side);
  else state.trees.set(page.root_id, windowOf(page, number, loaded));
  for (const message of page.messages) {
    if (!message.streaming) forgetProgress(state, message.id);
  }
  placeWaiting(state, page.root_id);
}

// Adds a message that was fetched by itself.
export function addMessage(state, message) {
  const tree = state.trees.get(message.root_id);
  if (tree && !tree.messages.has(message.id) && covers(tree, message.path)) put(tree, message, NaN);
}

// Events bring messages outside what is loaded. The latest of them are kept: a page that
// was read before the event may arrive after it.
function keepUnplaced(state, message, number) {
  state.unplaced.delete(message.id);
  state.unplaced.set(message.id, { message, number });
  if (state.unplaced.size > UNPLACED_MAX) state.unplaced.delete(state.unplaced.keys().next().value);
}

function placeWaiting(state, root) {
  const tree = state.trees.get(root);
  for (const [id, { message, number }] of state.unplaced) {
    if (message.root_id !== root || !covers(tree, message.path)) continue;
    put(tree, message, number);
    state.unplaced.delete(id);
  }
}

export function sortedThreads(state) {
  return [...state.threads.values()].sort(
    (a, b) =>
      b.last_activity_at.localeCompare(a.last_activity_at) || b.root_id.localeCompare(a.root_id),
  );
}

// The loaded messages of a thread, depth first.
export function sortedMessages(tree) {
  return tree.order.map((id) => tree.messages.get(id).message);
}

export function totalUnread(state) {
  const total = [...state.unread.keys()].reduce((sum, root) => sum + unreadOf(state, root), 0);
  return Math.min(UNREAD_MAX, total);
}

export function textOf(state, message) {
  const partial = state.partials.get(message.id)?.text ?? "";
  return message.streaming && partial.length > message.content.length ? partial : message.content;
}

export function reasoningOf(state, message) {
  const known = message.reasoning ?? "";
  const partial = state.partials.get(message.id)?.reasoning ?? "";
  return message.streaming && partial.length > known.length ? partial : known;
}

// Whether events are missing between the state and this one.
export function hasGap(state, event) {
  return Boolean(event.id) && eventNumber(event.id) > eventNumber(state.position) + 1;
}

export function apply(state, event) {
  if (event.id && eventNumber(event.id) <= eventNumber(state.position)) return {};
  const changes = HANDLERS[event.type]?.(state, event.payload, event.id) ?? {};
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
    const counts = message.author_user_id !== state.me.id && !message.deleted_at;
    if (!counts || eventNumber(id) <= state.unreadAsOf) return changes;
    const unread = (state.unread.get(message.root_id) ?? 0) + 1;
    state.unread.set(message.root_id, Math.min(UNREAD_MAX, unread));
    return { ...changes, unread: true };
  },
  "message.updated"(state, payload, id) {
    const { arrived, ...changes } = upsertMessage(state, payload, id);
    return { ...changes, changed: payload.message.id };
  },
  "message.delta": (state, delta) => appendDelta(state, delta),
  "answer.status"(state, status) {
    const entry = state.trees.get(status.root_id)?.messages.get(status.message_id);
    if (entry && !entry.message.streaming) return {};
    const known = state.statuses.get(status.message_id);
    const receivedAt = known?.state === status.state ? known.receivedAt : performance.now();
    state.statuses.set(status.message_id, { ...status, receivedAt });
    return { streamed: status.message_id };
  },
  "message.done": (state, done, id) => finishAnswer(state, done, id),
  "membership.changed"(state, { action, role, user_id: userId }) {
    if (action !== "removed") {
      if (userId !== state.me.id) return {}; // the page shows no list of participants
      state.conversation = { ...state.conversation, role };
      return { conversation: true };
    }
    const stopped = stopTyping(state, userId, state.typing.get(userId)?.root);
    return { ...stopped, left: userId === state.me.id };
  },
  "conversation.updated"(state, { conversation }) {
    const removable = { archived_at: undefined, model: undefined };
    state.conversation = { ...state.conversation, ...removable, ...conversation };
    return { conversation: true };
  },
  "conversation.deleted": () => ({ left: true, reason: "deleted" }),
  "error"(state, { message_id: id, message }) {
    if (!id) return {};
    state.errors.set(id, message);
    return { message: id };
  },
  "unread.update"(state, update) {
    if (update.user_id !== state.me.id) return {};
    setThreadUnread(state, update);
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

// Indicators end without an event too: the event that ends one may not arrive.
const newTyping = (root) => ({ root, until: performance.now() + TYPING_TIMEOUT_MS });

function stopTyping(state, userId, root) {
  if (!root || state.typing.get(userId)?.root !== root) return {};
  state.typing.delete(userId);
  return { typing: true };
}

function forgetProgress(state, id) {
  state.partials.delete(id);
  state.statuses.delete(id);
}

function upsertMessage(state, { message }, id) {
  const number = eventNumber(id);
  if (!message.streaming) forgetProgress(state, message.id);
  if (state.readings.has(message.root_id)) learn(state.readings.get(message.root_id), message);
  const tree = state.trees.get(message.root_id);
  if (!tree || !covers(tree, message.path)) {
    keepUnplaced(state, message, number);
    return { arrived: message };
  }
  const isNew = !tree.messages.has(message.id);
  if (!put(tree, message, number)) return {};
  return { root: message.root_id, message: message.id, isNew, arrived: message };
}

function appendDelta(state, delta) {
  const entry = state.trees.get(delta.root_id)?.messages.get(delta.message_id);
  if (entry && !entry.message.streaming) return {};
  const known = state.partials.get(delta.message_id) ?? newPartial(entry?.message.content, entry?.message.reasoning);
  const merged = mergeDelta(known, delta);
  if (!merged) return {};
  state.partials.set(delta.message_id, withRate(known, merged, performance.now()));
  return { streamed: delta.message_id };
}

function finishAnswer(state, done, id) {
  const number = eventNumber(id);
  const partial = state.partials.get(done.message_id)?.text ?? "";
  forgetProgress(state, done.message_id);
  const tree = state.trees.get(done.root_id);
  const entry = tree?.messages.get(done.message_id);
  if (!entry || entry.number > number) return {};
  const before = entry.message;
  const content = before.streaming && partial.length > before.content.length ? partial : before.content;
  const message = { ...before, content, streaming: false, finish_reason: done.finish_reason };
  put(tree, message, number);
  if (state.readings.has(done.root_id)) learn(state.readings.get(done.root_id), message);
  return { root: message.root_id, message: message.id, finishReason: done.finish_reason };
}
