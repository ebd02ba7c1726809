// The conversations that are loaded, and the list of all: snapshots by REST, events of the stream.
// Events that arrive while a snapshot is fetched are applied to it afterwards.

import * as api from "./api.js";
import { notify } from "./dom.js";
import { applyToList, conversationOf, newInbox, setConversations, setUnreadByRoot } from "./inbox.js";
import { loadConversation } from "./load.js";
import { learnPeople } from "./names.js";
import { apply, eventNumber, hasGap, setPresence, setUnread, totalUnread } from "./store.js";

const MAX_LOADED = 12; // conversations in memory
const MAX_POSITIONS = 100; // that a stream takes
const LIST_LIMIT = 200;
const UNREAD_DELAY_MS = 500;
const RETRY_MS = 2_000;

// Repeats a task until it succeeds, or fails for a reason that stays.
async function persist(task) {
  for (;;) {
    try {
      return await task();
    } catch (problem) {
      if (!problem.isTemporary) throw problem;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

// `onChanges(id, changes)` reports what an event changed in a loaded conversation, `onList()` that
// the list changed, `onReload(id)` that a loaded conversation has to be fetched again, `onLeft(id)`
// that the user is no longer in one, and `inBackground(task)` runs a task without a caller.
export function makeConversations({ me, answers, onChanges, onList, onReload, onLeft, inBackground }) {
  const inbox = newInbox(me);
  const loaded = new Map(); // states by id, the latest used last
  const received = new Map(); // events since a snapshot was requested, by id; "list" for the list
  const withUnknownUnread = new Set();
  const loads = new Map(); // requests by id
  let openedAt = {}; // the positions from which the stream continued
  let listRequest = null;
  let unreadTimer = 0;

  // Loads a conversation, or returns it from memory.
  async function open(id) {
    const state = loaded.get(id) ?? (await load(id));
    loaded.delete(id);
    loaded.set(id, state);
    if (loaded.size > MAX_LOADED) loaded.delete(loaded.keys().next().value);
    return state;
  }

  // Fetches a conversation; requests at the same time share one.
  function load(id) {
    if (!loads.has(id)) loads.set(id, fetchState(id).finally(() => loads.delete(id)));
    return loads.get(id);
  }

  async function fetchState(id) {
    const events = [];
    received.set(id, events);
    try {
      let state = await loadConversation(id, me);
      // The stream may have opened meanwhile, and then it begins after this position.
      if (eventNumber(openedAt[id]) > eventNumber(state.position)) state = await loadConversation(id, me);
      state.readings = loaded.get(id)?.readings ?? state.readings;
      for (const event of [...events, ...answers.list(id)]) apply(state, event);
      loaded.set(id, state);
      return state;
    } finally {
      received.delete(id);
    }
  }

  // Fetches the list; requests at the same time share one.
  function loadList() {
    listRequest ??= fetchList().finally(() => {
      listRequest = null;
    });
    return listRequest;
  }

  async function fetchList() {
    const events = [];
    received.set("list", events);
    try {
      setConversations(inbox, (await api.listConversations({ limit: LIST_LIMIT })).conversations);
    } finally {
      received.delete("list");
    }
    for (const event of events) if (event.type !== "stream.open") applyToList(inbox, event);
    onList();
  }

  // The list at the start of the page; without a response it follows when there is one.
  async function loadFirstList() {
    try {
      await loadList();
    } catch (problem) {
      if (!problem.isTemporary) throw problem;
      notify(problem.message);
      inBackground(async () => {
        await persist(loadList);
        notify("");
      });
    }
  }

  function onEvent(event) {
    const id = conversationOf(event);
    received.get("list")?.push(event);
    onListEvent(event);
    if (event.type === "stream.open") return onOpen(event.payload.positions ?? {});
    received.get(id)?.push(event);
    if (!event.id) loaded.get(id)?.transientEvents?.push(event);
    if (event.type === "presence.update") {
      for (const state of loaded.values()) apply(state, event);
      return;
    }
    const state = loaded.get(id);
    if (!state || received.has(id)) return;
    if (hasGap(state, event)) return reload(id);
    const changes = apply(state, event);
    if (changes.needsFetch === "all") return reload(id);
    if (changes.left) return leave(id, changes.reason);
    onChanges(id, changes);
  }

  function onListEvent(event) {
    const { fetch, id, changed, removed, reason } = applyToList(inbox, event);
    if (fetch === "list" && event.type !== "stream.open") inBackground(() => persist(loadList));
    if (fetch === "unread") fetchUnreadSoon(id);
    if (removed) leave(removed, reason);
    if (changed) onList();
  }

  // The stream continues from these positions: what happened before and is not here has to be
  // fetched; presence and typing are in no log, so they are fetched always.
  function onOpen(positions) {
    openedAt = positions;
    inBackground(() => persist(loadList));
    for (const [id, state] of loaded) {
      if (!(id in positions)) inBackground(() => checkMembership(id));
      else if (eventNumber(positions[id]) > eventNumber(state.position)) reload(id);
      else inBackground(() => fetchTransient(id));
    }
  }

  async function checkMembership(id) {
    try {
      await api.showConversation(id);
    } catch (problem) {
      if (problem.status === 404) leave(id);
    }
  }

  function reload(id) {
    inBackground(async () => onReload(id, await persist(() => load(id))));
  }

  function leave(id, reason) {
    const title = (loaded.get(id) ?? inbox.entries.get(id))?.conversation.title;
    loaded.delete(id);
    inbox.entries.delete(id);
    onLeft(id, title, reason);
    onList();
  }

  // Presence, typing and unread counts. Transient events that arrive meanwhile may be newer than the
  // snapshots, so they are applied again.
  async function fetchTransient(id) {
    const state = loaded.get(id);
    if (!state) return;
    const events = [];
    state.transientEvents = events;
    inBackground(async () => {
      learnPeople((await api.listParticipants(id)).participants);
      onChanges(id, { conversation: true });
    });
    setPresence(state, await api.showPresence(id));
    setUnread(state, await api.listUnread(id));
    if (state.transientEvents === events) state.transientEvents = null;
    for (const event of events) apply(state, event);
    onChanges(id, { typing: true, unread: true });
  }

  // Once for many events: an update says the count of one thread, the list shows their sum.
  function fetchUnreadSoon(id) {
    withUnknownUnread.add(id);
    unreadTimer ||= setTimeout(() => inBackground(fetchUnread), UNREAD_DELAY_MS);
  }

  async function fetchUnread() {
    unreadTimer = 0;
    const ids = [...withUnknownUnread];
    withUnknownUnread.clear();
    for (const id of ids) setUnreadByRoot(inbox, id, await api.listUnread(id));
    onList();
  }

  const positions = () =>
    [...loaded]
      .slice(-MAX_POSITIONS)
      .filter(([, state]) => state.position)
      .map(([id, state]) => [id, state.position]);

  // The count of a loaded conversation leaves out what was seen just now.
  const unreadIn = (id) =>
    loaded.has(id) ? totalUnread(loaded.get(id)) : (inbox.entries.get(id)?.unread ?? 0);

  const get = (id) => loaded.get(id);
  return { inbox, get, open, load, loadList, loadFirstList, onEvent, fetchTransient, positions, unreadIn };
}
