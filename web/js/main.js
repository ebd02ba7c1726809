// The page: the signed-in user, the conversation and thread in the address, and what is shown.

import * as api from "./api.js";
import { makeComposer } from "./composer.js";
import { announce, byId } from "./dom.js";
import { follow } from "./feed.js";
import { showConversations, showThreads } from "./lists.js";
import { loadConversation, loadMoreThreads, loadTree } from "./load.js";
import { makeTypingNotifier, showTyping, startHeartbeat } from "./presence.js";
import { showSignIn } from "./sign-in.js";
import { addThreads, apply, setPresence, setUnread, totalUnread } from "./store.js";
import { makeThreadView } from "./thread-view.js";

const LIST_INTERVAL_MS = 30_000;
const LIST_LIMIT = 200;
const CONNECTION_TEXTS = {
  connecting: "Connecting …",
  live: "Live",
  lost: "Connection lost, trying again …",
};

const ui = {
  me: null,
  conversations: [],
  state: null, // of the open conversation
  root: null, // of the open thread
  isNewThread: false,
  stopFeed: null,
  transientEvents: null, // those received while presence and unread counts are fetched
  navigationId: 0, // increases with each navigation, so that a late one is dropped
  frameRequest: 0,
};

const threadView = makeThreadView({ onReply: replyTo, onProblem: (problem) => showError(problem.message) });
const composer = makeComposer({ destination, onPosted, onTyped });
const typingNotifier = makeTypingNotifier();

function showError(text) {
  byId("composer-error").textContent = text;
}

// The address is #/c/<conversation>, then /t/<root> or /new.
function parseHash() {
  const [, , conversation, kind, root] = location.hash.split("/");
  return {
    conversation: conversation || null,
    root: kind === "t" ? root : null,
    isNewThread: kind === "new",
  };
}

// Composer

function replyTo(message) {
  composer.setReplyTarget(message);
  threadView.highlightReplyTarget(message.id);
}

function destination(replyTarget) {
  if (ui.isNewThread) {
    const { id } = ui.state.conversation;
    return { id, send: (content, key) => api.postRoot(id, content, key) };
  }
  const parent = replyTarget ?? threadView.newest();
  return parent && { id: parent.id, send: (content, key) => api.reply(parent.id, content, key) };
}

function onTyped(text) {
  if (ui.root) typingNotifier.onTyped(ui.state.conversation.id, ui.root, text);
}

function onPosted({ root_id: root }) {
  typingNotifier.onSent();
  threadView.highlightReplyTarget(null);
  if (ui.isNewThread) location.hash = `#/c/${ui.state.conversation.id}/t/${root}`;
  else threadView.scrollToEnd();
}

// Lists

// Draws both lists and the title, once per frame.
function showLists() {
  ui.frameRequest ||= requestAnimationFrame(() => {
    ui.frameRequest = 0;
    const unreadById = new Map();
    if (ui.state) {
      unreadById.set(ui.state.conversation.id, totalUnread(ui.state));
      showThreads(ui.state, ui.root);
      byId("conversation-title").textContent = ui.state.conversation.title;
    }
    showConversations(ui.conversations, ui.state?.conversation.id, unreadById);
    const counts = ui.conversations.map(({ id, unread }) => unreadById.get(id) ?? unread);
    const unread = counts.reduce((sum, count) => sum + count, 0);
    const title = ui.state?.conversation.title ?? "RustyGPT";
    document.title = `${unread ? `(${unread}) ` : ""}${title}`;
  });
}

async function loadConversations() {
  ui.conversations = (await api.listConversations({ limit: LIST_LIMIT })).conversations;
  showLists();
}

async function createConversation(event) {
  event.preventDefault();
  const form = event.target;
  byId("list-error").textContent = "";
  try {
    const { conversation_id: id } = await api.createConversation(form.elements.title.value);
    form.reset();
    await loadConversations();
    location.hash = `#/c/${id}/new`;
  } catch (problem) {
    byId("list-error").textContent = problem.message;
  }
}

// Events

function stopFeed() {
  ui.stopFeed?.();
  ui.stopFeed = null;
  byId("connection").dataset.state = "idle";
}

function startFeed(state) {
  stopFeed();
  ui.stopFeed = follow(state.conversation.id, state.position, {
    onEvent: (event) => ui.state === state && onEvent(state, event),
    onState: (connection) => onConnection(state, connection),
    shouldReconnect: () => shouldReconnect(state),
  });
}

function onConnection(state, connection) {
  const element = byId("connection");
  element.dataset.state = connection;
  element.textContent = CONNECTION_TEXTS[connection];
  state.typing.clear(); // without a stream the events that end indicators do not arrive
  showTyping(ui.state, ui.root);
  if (connection === "live") inBackground(() => fetchTransient(state));
}

// Presence, typing and unread counts are not in the log of events, so they are fetched. Transient
// events that arrive meanwhile may be newer than the snapshots, so they are applied again.
async function fetchTransient(state) {
  const { id } = state.conversation;
  const received = [];
  ui.transientEvents = received;
  try {
    setPresence(state, await api.showPresence(id));
    setUnread(state, await api.listUnread(id));
  } finally {
    if (ui.transientEvents === received) ui.transientEvents = null;
  }
  for (const event of received) apply(state, event);
  showTyping(ui.state, ui.root);
  showLists();
}

function onEvent(state, event) {
  if (!event.id) ui.transientEvents?.push(event);
  const changes = apply(state, event);
  if (changes.needsFetch === "all") return inBackground(() => navigate({ reload: true }));
  if (changes.needsFetch === "threads") inBackground(() => fetchThreads(state));
  if (changes.left) return leaveConversation(changes.reason);
  threadView.update(changes);
  if (changes.typing) showTyping(state, ui.root);
  if (changes.threads || changes.unread || changes.conversation) showLists();
  if (changes.root === ui.root || changes.unread) markRead();
}

async function fetchThreads(state) {
  addThreads(state, await api.listThreads(state.conversation.id));
  showLists();
}

function leaveConversation(reason) {
  stopFeed();
  if (["session_ended", "disabled"].includes(reason)) return location.reload();
  ui.state = null;
  announce("You are no longer in this conversation.");
  location.hash = "#/";
  inBackground(loadConversations);
}

// Decides, after the browser gave up a stream, whether to open another.
async function shouldReconnect(state) {
  try {
    await api.showConversation(state.conversation.id);
  } catch (problem) {
    if (problem.status === 401) leaveConversation("session_ended");
    if (problem.status === 404) leaveConversation("removed");
    return problem.status !== 401 && problem.status !== 404;
  }
  return true;
}

let isMarking = false;

async function markRead() {
  const { state, root } = ui;
  const isVisible = root && !document.hidden && threadView.isAtEnd();
  if (isMarking || !isVisible || !state?.unread.get(root)) return;
  isMarking = true;
  await inBackground(async () => {
    const { unread } = await api.markRead(root);
    state.unread.set(root, unread);
    showLists();
  });
  isMarking = false;
}

// Background tasks report no errors: the connection's state already shows when the server is away.
async function inBackground(task) {
  try {
    await task();
  } catch (problem) {
    if (problem.status === 401) location.reload();
  }
}

// Navigation

async function navigate({ reload = false } = {}) {
  ui.navigationId += 1;
  const { navigationId } = ui;
  const { conversation, root, isNewThread } = parseHash();
  if (!conversation) return showStart();
  if (reload || ui.state?.conversation.id !== conversation) {
    const state = await loadConversation(conversation, ui.me);
    if (navigationId !== ui.navigationId) return;
    ui.state = state;
    startFeed(state);
  }
  await showThread(navigationId, root, isNewThread);
}

function showStart() {
  stopFeed();
  Object.assign(ui, { state: null, root: null, isNewThread: false });
  byId("conversation-title").textContent = "";
  byId("threads").replaceChildren();
  threadView.open(null, null, false);
  showPane("conversations");
}

async function showThread(navigationId, root, isNewThread) {
  const { state } = ui;
  if (root && !state.trees.has(root)) {
    await loadTree(state, root);
    if (navigationId !== ui.navigationId) return;
  }
  const hasMoved = ui.root !== root || ui.isNewThread !== isNewThread;
  Object.assign(ui, { root, isNewThread });
  const { id } = state.conversation;
  byId("new-thread").href = `#/c/${id}/new`;
  byId("back-to-threads").href = `#/c/${id}`;
  const title = isNewThread ? "New thread" : state.threads.get(root)?.root_excerpt;
  byId("thread-title").textContent = title ?? "";
  threadView.open(state, root, isNewThread);
  showTyping(state, root);
  showPane(root || isNewThread ? "thread" : "threads");
  if (!hasMoved) return;
  composer.open(root ?? (isNewThread ? id : null));
  threadView.scrollToEnd();
  if (root || isNewThread) composer.focus();
  else byId("conversation-title").focus();
  markRead();
}

function showPane(pane) {
  byId("app").dataset.pane = pane;
  byId("composer").hidden = pane !== "thread";
  if (pane !== "thread") {
    byId("thread-title").textContent = "";
    byId("nothing").textContent = ui.state ? "Choose a thread, or begin a new one." : "Choose a conversation.";
  }
  byId("new-thread").hidden = !ui.state;
  showLists();
}

async function onHashChange() {
  try {
    await navigate();
  } catch (problem) {
    if (problem.status === 401) return location.reload();
    announce(problem.message);
    byId("nothing").textContent = problem.message;
  }
}

// Start

// Runs a task when a button is clicked; the button is disabled meanwhile.
function onClick(id, task) {
  byId(id).addEventListener("click", async ({ target }) => {
    target.disabled = true;
    await inBackground(task);
    target.disabled = false;
  });
}

async function showMoreThreads() {
  await loadMoreThreads(ui.state);
  showLists();
}

async function showMoreMessages() {
  await loadTree(ui.state, ui.root);
  threadView.paint();
}

async function signOut() {
  await inBackground(api.logOut);
  sessionStorage.clear();
  location.hash = "#/";
  location.reload();
}

function addListeners() {
  window.addEventListener("hashchange", onHashChange);
  document.addEventListener("visibilitychange", markRead);
  byId("scroll").addEventListener("scroll", markRead);
  onClick("more-threads", showMoreThreads);
  onClick("more-messages", showMoreMessages);
  byId("leave").addEventListener("click", signOut);
  byId("new-conversation").addEventListener("submit", createConversation);
}

async function fetchUser() {
  try {
    return (await api.me()).user;
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    await showSignIn();
    return (await api.me()).user;
  }
}

async function start() {
  try {
    ui.me = await fetchUser();
  } catch (problem) {
    byId("nothing").textContent = problem.message;
    byId("app").hidden = false;
    return;
  }
  byId("who").textContent = ui.me.display_name || ui.me.username;
  byId("app").hidden = false;
  addListeners();
  await inBackground(loadConversations);
  setInterval(() => document.hidden || inBackground(loadConversations), LIST_INTERVAL_MS);
  startHeartbeat(inBackground);
  await onHashChange();
}

start();
