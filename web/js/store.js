// What the page knows of one conversation: snapshots begin it, events bring it up to date.
// `apply(state, event)` tells what became different; the same idea as in the terminal's store.

const TURN_MS = 35_000; // longer than the server lets somebody write without telling so again
const STRAYS_MAX = 256;

const number = (id) => Number(/^evt_(\d+)$/.exec(id || "")?.[1] ?? NaN);

export function newState(conversation, me) {
  return {
    me,
    conversation,
    position: conversation.last_event_id || "",
    threads: new Map(),
    threadsCursor: null,
    unread: new Map(),
    counted: NaN,
    trees: new Map(),
    strays: new Map(),
    tails: new Map(),
    troubles: new Map(),
    presence: new Map(), // what is shown of people, by person
    typing: new Map(), // others who are writing, by person: in which thread, and how long at most
  };
}

export function addThreads(state, page) {
  for (const thread of page.threads) {
    const known = state.threads.get(thread.root_id);
    if (!known || known.last_activity_at <= thread.last_activity_at) {
      state.threads.set(thread.root_id, thread);
    }
  }
}

// Counts as fetched; messages that come later add to them, until the server's own count does.
export function setUnread(state, answer) {
  state.counted = number(answer.last_event_id);
  state.unread = new Map(answer.threads.map((thread) => [thread.root_id, thread.unread]));
}

// Presence and writing as fetched take the place of all that was told before.
export function setPresence(state, answer) {
  const others = answer.typing.filter((turn) => turn.user_id !== state.me.id);
  state.presence = new Map(answer.users.map((one) => [one.user_id, one.status]));
  state.typing = new Map(others.map((turn) => [turn.user_id, begunTurn(turn.root_id)]));
}

export function addTree(state, page) {
  const tree = state.trees.get(page.root_id) || begunTree(state, page.root_id);
  const at = number(page.last_event_id);
  for (const message of page.messages) {
    const known = tree.messages.get(message.id);
    if (!known || !(known.from > at)) tree.messages.set(message.id, { message, from: at });
    if (!message.streaming) state.tails.delete(message.id);
  }
  tree.cursor = page.next_cursor ?? null;
  state.trees.set(page.root_id, tree);
}

// What events told of a thread before its first page came: the page may be older than they are.
function begunTree(state, root) {
  const strays = [...state.strays].filter(([, { message }]) => message.root_id === root);
  for (const [id] of strays) state.strays.delete(id);
  return { messages: new Map(strays), cursor: null };
}

function putStray(state, message, from) {
  state.strays.delete(message.id);
  state.strays.set(message.id, { message, from });
  if (state.strays.size > STRAYS_MAX) state.strays.delete(state.strays.keys().next().value);
}

export function sortedThreads(state) {
  return [...state.threads.values()].sort(
    (a, b) =>
      b.last_activity_at.localeCompare(a.last_activity_at) || b.root_id.localeCompare(a.root_id),
  );
}

// Depth first: paths are ASCII, and their order as bytes is the order of the tree.
export function sortedMessages(tree) {
  const byPath = (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  return [...tree.messages.values()].map((entry) => entry.message).sort(byPath);
}

export function totalUnread(state) {
  return [...state.unread.values()].reduce((sum, count) => sum + count, 0);
}

export function textOf(state, message) {
  const tail = state.tails.get(message.id)?.text ?? "";
  return message.streaming && tail.length > message.content.length ? tail : message.content;
}

export function apply(state, event) {
  if (event.id && number(event.id) <= number(state.position)) return {};
  const changes = (handlers[event.type] || (() => ({})))(state, event.payload, event.id);
  if (event.id) state.position = event.id;
  return changes;
}

const handlers = {
  "thread.new"(state, { summary }) {
    state.threads.set(summary.root_id, summary);
    return { threads: true };
  },
  "thread.activity"(state, active) {
    const known = state.threads.get(active.root_id);
    if (!known) return { lacking: "threads" };
    state.threads.set(active.root_id, { ...known, ...active });
    return { threads: true };
  },
  "message.new"(state, { message }, id) {
    const stopped = stopTyping(state, message.author_user_id, message.root_id);
    const changes = { ...putMessage(state, { message }, id), ...stopped };
    if (message.author_user_id === state.me.id || number(id) <= state.counted) return changes;
    state.unread.set(message.root_id, Math.min(1000, (state.unread.get(message.root_id) ?? 0) + 1));
    return { ...changes, unread: true };
  },
  "message.updated": putMessage,
  "message.delta": grow,
  "message.done": finish,
  "conversation.updated"(state, { conversation }) {
    state.conversation = { ...state.conversation, ...conversation };
    return { conversation: true };
  },
  "membership.changed"(state, { action, user_id }) {
    const removed = action === "removed";
    const stopped = removed ? stopTyping(state, user_id, state.typing.get(user_id)?.root) : {};
    return { ...stopped, gone: removed && user_id === state.me.id };
  },
  "unread.update"(state, { root_id, user_id, unread }) {
    if (user_id !== state.me.id) return {};
    state.unread.set(root_id, unread);
    return { unread: true };
  },
  "presence.update"(state, { user_id, status }) {
    state.presence.set(user_id, status);
    return { presence: true };
  },
  "typing.update"(state, { root_id, user_id, expires_at }) {
    if (Date.parse(expires_at) <= 0) return stopTyping(state, user_id, root_id);
    if (user_id === state.me.id) return {};
    state.typing.set(user_id, begunTurn(root_id));
    return { typing: true };
  },
  error(state, { message_id, message }) {
    if (!message_id) return {};
    state.troubles.set(message_id, message);
    return { message: message_id };
  },
  "stream.reset": () => ({ lacking: "all" }),
  "stream.closed": (state, { reason }) => ({ gone: reason !== "shutdown", reason }),
};

// Nobody writes for ever: a slow page may not be told that somebody has stopped.
const begunTurn = (root) => ({ root, until: performance.now() + TURN_MS });

function stopTyping(state, person, root) {
  if (!root || state.typing.get(person)?.root !== root) return {};
  state.typing.delete(person);
  return { typing: true };
}

function putMessage(state, { message }, id) {
  if (!message.streaming) state.tails.delete(message.id);
  const tree = state.trees.get(message.root_id);
  if (!tree) {
    putStray(state, message, number(id));
    return {};
  }
  if (tree.messages.get(message.id)?.from > number(id)) return {};
  const fresh = !tree.messages.has(message.id);
  tree.messages.set(message.id, { message, from: number(id) });
  return { root: message.root_id, message: message.id, fresh };
}

// Offsets count code points; JavaScript's strings count halves of some of them.
function grow(state, delta) {
  const entry = state.trees.get(delta.root_id)?.messages.get(delta.message_id);
  if (entry && !entry.message.streaming) return {};
  const begun = entry?.message.content ?? "";
  const tail = state.tails.get(delta.message_id) ?? { text: begun, length: [...begun].length };
  const piece = [...delta.choices.map((choice) => choice.delta.content || "").join("")];
  const known = tail.length - delta.offset;
  if (known < 0 || known >= piece.length) return {};
  tail.text += piece.slice(known).join("");
  tail.length += piece.length - known;
  state.tails.set(delta.message_id, tail);
  return { grown: delta.message_id };
}

function finish(state, done, id) {
  const tail = state.tails.get(done.message_id)?.text ?? "";
  state.tails.delete(done.message_id);
  const tree = state.trees.get(done.root_id);
  const entry = tree?.messages.get(done.message_id);
  if (!entry || entry.from > number(id)) return {};
  const known = entry.message;
  const content = known.streaming && tail.length > known.content.length ? tail : known.content;
  const message = { ...known, content, streaming: false, finish_reason: done.finish_reason };
  tree.messages.set(message.id, { message, from: number(id) });
  return { root: message.root_id, message: message.id, done: done.finish_reason };
}
