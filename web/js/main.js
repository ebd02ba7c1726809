// The page: who is signed in, which conversation and thread the address names, and what is shown.

import { get, post } from "./api.js";
import { makeComposer } from "./composer.js";
import { announce, byId } from "./dom.js";
import { follow } from "./feed.js";
import { openGate } from "./gate.js";
import { showConversations, showThreads } from "./lists.js";
import { loadConversation, loadMoreThreads, loadTree } from "./load.js";
import { makeTurn, showWriters, startBeating } from "./presence.js";
import { addThreads, apply, setPresence, setUnread, totalUnread } from "./store.js";
import { makeTalk } from "./talk.js";

const LIST_SECONDS = 30;
const STATES = { connecting: "Connecting …", live: "Live", lost: "Connection lost, trying again …" };

const page = { me: null, conversations: [], state: null, root: null, fresh: false, stop: null, visit: 0, frame: 0 };

const talk = makeTalk({ onReply: answer, onProblem: (problem) => tell(problem.message) });
const composer = makeComposer({ place: placeOf, onPosted: posted, onTyped: typed });
const turn = makeTurn();

function tell(words) {
  byId("composer-error").textContent = words;
}

// Where the address points: #/c/<conversation>, then /t/<root> or /new.
function addressed() {
  const [, , conversation, kind, root] = location.hash.split("/");
  return { conversation: conversation || null, root: kind === "t" ? root : null, fresh: kind === "new" };
}

function answer(message) {
  composer.aim(message);
  talk.mark(message.id);
}

function placeOf(target) {
  if (page.fresh) return { path: `/api/threads/${page.state.conversation.id}/root` };
  const parent = target ?? talk.newest();
  return parent && { path: `/api/messages/${parent.id}/reply` };
}

function typed(text) {
  if (page.root) turn.typed(page.state.conversation.id, page.root, text);
}

function posted({ root_id: root }) {
  turn.sent();
  talk.mark(null);
  if (page.fresh) location.hash = `#/c/${page.state.conversation.id}/t/${root}`;
  else talk.toEnd();
}

function showLists() {
  page.frame ||= requestAnimationFrame(() => {
    page.frame = 0;
    const counts = new Map();
    if (page.state) {
      counts.set(page.state.conversation.id, totalUnread(page.state));
      showThreads(page.state, page.root);
      byId("conversation-title").textContent = page.state.conversation.title;
    }
    showConversations(page.conversations, page.state?.conversation.id, counts);
    const unread = page.conversations.reduce((sum, one) => sum + (counts.get(one.id) ?? one.unread), 0);
    document.title = `${unread ? `(${unread}) ` : ""}${page.state?.conversation.title ?? "RustyGPT"}`;
  });
}

async function loadConversations() {
  page.conversations = (await get("/api/conversations?limit=200")).conversations;
  showLists();
}

function stopFeed() {
  page.stop?.();
  page.stop = null;
  byId("connection").dataset.state = "idle";
}

function startFeed(state) {
  stopFeed();
  page.stop = follow(state.conversation.id, state.position, {
    onEvent: (event) => page.state === state && hear(state, event),
    onState: (name) => connection(state, name),
    onRefused: () => mayGoOn(state),
  });
}

function connection(state, name) {
  const shown = byId("connection");
  shown.dataset.state = name;
  shown.textContent = STATES[name];
  state.typing.clear(); // without a stream nobody hears that others have stopped
  showWriters(page.state, page.root);
  if (name === "live") quietly(async () => {
    const path = `/api/conversations/${state.conversation.id}`;
    setPresence(state, await get(`${path}/presence`));
    showWriters(page.state, page.root);
    setUnread(state, await get(`${path}/unread`));
    showLists();
  });
}

function hear(state, event) {
  const changes = apply(state, event);
  if (changes.lacking === "all") return quietly(() => go({ anew: true }));
  if (changes.lacking === "threads") quietly(async () => {
    addThreads(state, await get(`/api/conversations/${state.conversation.id}/threads`));
    showLists();
  });
  if (changes.gone) return leave(changes.reason);
  talk.update(changes);
  if (changes.typing) showWriters(state, page.root);
  if (changes.threads || changes.unread || changes.conversation) showLists();
  if (changes.root === page.root || changes.unread) markRead();
}

function leave(reason) {
  stopFeed();
  if (["session_ended", "disabled"].includes(reason)) return location.reload();
  page.state = null;
  announce("You are no longer in this conversation.");
  location.hash = "#/";
  quietly(loadConversations);
}

// After the browser gave a stream up: whether to try again.
async function mayGoOn(state) {
  try {
    await get(`/api/conversations/${state.conversation.id}`);
  } catch (problem) {
    if (problem.status === 401) leave("session_ended");
    if (problem.status === 404) leave("removed");
    return problem.status !== 401 && problem.status !== 404;
  }
  return true;
}

let marking = false;
async function markRead() {
  const { state, root } = page;
  if (marking || !root || document.hidden || !state?.unread.get(root) || !talk.atEnd()) return;
  marking = true;
  await quietly(async () => {
    const { unread } = await post(`/api/threads/${root}/read`);
    state.unread.set(root, unread);
    showLists();
  });
  marking = false;
}

// What is done in the background tells its troubles by the connection's state, not by itself.
async function quietly(task) {
  try {
    await task();
  } catch (problem) {
    if (problem.status === 401) location.reload();
  }
}

async function go({ anew = false } = {}) {
  const visit = (page.visit += 1);
  const { conversation, root, fresh } = addressed();
  if (!conversation) {
    stopFeed();
    [page.state, page.root, page.fresh] = [null, null, false];
    byId("conversation-title").textContent = "";
    byId("threads").replaceChildren();
    talk.open(null, null, false);
    show("conversations");
    return;
  }
  if (anew || page.state?.conversation.id !== conversation) {
    const state = await loadConversation(conversation, page.me);
    if (visit !== page.visit) return;
    page.state = state;
    startFeed(state);
  }
  await goThread(visit, root, fresh);
}

async function goThread(visit, root, fresh) {
  const { state } = page;
  if (root && !state.trees.has(root)) {
    await loadTree(state, root);
    if (visit !== page.visit) return;
  }
  const moved = page.root !== root || page.fresh !== fresh;
  [page.root, page.fresh] = [root, fresh];
  const id = state.conversation.id;
  byId("new-thread").href = `#/c/${id}/new`;
  byId("back-to-threads").href = `#/c/${id}`;
  byId("thread-title").textContent = fresh ? "New thread" : (state.threads.get(root)?.root_excerpt ?? "");
  talk.open(state, root, fresh);
  showWriters(state, root);
  show(root || fresh ? "talk" : "threads");
  if (!moved) return;
  composer.open(root ?? (fresh ? id : null));
  talk.toEnd();
  if (root || fresh) composer.focus();
  else byId("conversation-title").focus();
  markRead();
}

function show(pane) {
  byId("app").dataset.pane = pane;
  byId("composer").hidden = pane !== "talk";
  if (pane !== "talk") {
    byId("thread-title").textContent = "";
    byId("nothing").textContent = page.state ? "Choose a thread, or begin a new one." : "Choose a conversation.";
  }
  byId("new-thread").hidden = !page.state;
  showLists();
}

async function route() {
  try {
    await go();
  } catch (problem) {
    if (problem.status === 401) return location.reload();
    announce(problem.message);
    byId("nothing").textContent = problem.message;
  }
}

async function more(event, task) {
  event.target.disabled = true;
  await quietly(task);
  event.target.disabled = false;
}

function listen() {
  window.addEventListener("hashchange", route);
  document.addEventListener("visibilitychange", markRead);
  byId("scroll").addEventListener("scroll", markRead);
  byId("more-threads").addEventListener("click", (event) => more(event, async () => {
    await loadMoreThreads(page.state);
    showLists();
  }));
  byId("more-messages").addEventListener("click", (event) => more(event, async () => {
    await loadTree(page.state, page.root);
    talk.paint();
  }));
  byId("leave").addEventListener("click", async () => {
    await quietly(() => post("/api/auth/logout"));
    sessionStorage.clear();
    location.hash = "#/";
    location.reload();
  });
  byId("new-conversation").addEventListener("submit", create);
}

async function create(event) {
  event.preventDefault();
  const form = event.target;
  byId("list-error").textContent = "";
  try {
    const { conversation_id: id } = await post("/api/conversations", { title: form.elements.title.value });
    form.reset();
    await loadConversations();
    location.hash = `#/c/${id}/new`;
  } catch (problem) {
    byId("list-error").textContent = problem.message;
  }
}

async function whoAmI() {
  try {
    return (await get("/api/auth/me")).user;
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    await openGate();
    return (await get("/api/auth/me")).user;
  }
}

async function start() {
  try {
    page.me = await whoAmI();
  } catch (problem) {
    byId("nothing").textContent = problem.message;
    byId("app").hidden = false;
    return;
  }
  byId("who").textContent = page.me.display_name || page.me.username;
  byId("app").hidden = false;
  listen();
  await quietly(loadConversations);
  setInterval(() => document.hidden || quietly(loadConversations), LIST_SECONDS * 1000);
  startBeating(quietly);
  await route();
}

start();
