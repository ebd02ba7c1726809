// The start of the page: signs the user in, builds its parts, and connects them.

import { deviceCode, inviteToken, parseHash } from "./address.js";
import * as api from "./api.js";
import { showCompare } from "./compare.js";
import { makeComposer } from "./composer.js";
import { addConversationMenu } from "./conversation-menu.js";
import { makeConversations } from "./conversations.js";
import { confirmDeviceByAddress } from "./device.js";
import { byId, notify, withoutOverrides } from "./dom.js";
import { openIdentitiesByAddress, showIdentities } from "./identities.js";
import { sortedConversations } from "./inbox.js";
import { joinByAddress, mayInvite, showInviteDialog } from "./invites.js";
import { addKeys } from "./keys.js";
import { shareFeed } from "./leader.js";
import { showConversations, showThreads } from "./lists.js";
import { loadMoreThreads } from "./load.js";
import { openMenu } from "./menu.js";
import { makeMessageMenu } from "./message-menu.js";
import { makeNavigation } from "./navigation.js";
import { makePasswordForm } from "./password.js";
import { makePosting } from "./posting.js";
import { makeTypingNotifier, showTyping, startHeartbeat } from "./presence.js";
import { restorePlace, takeFailure } from "./providers.js";
import { makeReadMarker } from "./read-marker.js";
import { showSignIn } from "./sign-in.js";
import { showSearch } from "./search.js";
import { showSessions } from "./sessions.js";
import { makeSight } from "./sight.js";
import { isPlain } from "./target.js";
import { makeThreadView } from "./thread-view.js";
import { showTokens } from "./tokens.js";
import { showImport } from "./transfer.js";

const CONNECTION_TEXTS = {
  connecting: "Connecting …",
  live: "Live",
  polling: "No live updates, checking every 3 s",
  lost: "Connection lost, trying again …",
  offline: "Offline",
  "signed-out": "Signed out",
};
const START_RETRY_MS = 2_000;

function showConnection(state) {
  const element = byId("connection");
  element.dataset.state = state;
  if (element.textContent !== CONNECTION_TEXTS[state]) element.textContent = CONNECTION_TEXTS[state];
}

// Background tasks report no errors: the connection's state already shows when the server is away.
async function inBackground(task) {
  try {
    await task();
  } catch (problem) {
    if (problem.status === 401) location.reload();
    else if (problem.status === undefined) throw problem; // a defect of the page
  }
}

// The parts of the page for a signed-in user; `page` holds what is open: { state, root, isNewThread }, and
// whether it is shown already (`isOpen`).
function build(me) {
  const page = { state: null, root: null, isNewThread: false, isOpen: false };
  const parts = { me, page, inBackground };
  const typingNotifier = makeTypingNotifier();
  const posting = makePosting(parts);
  const { posts } = posting;

  const feed = shareFeed(me.id, {
    positions: () => parts.conversations?.positions() ?? [],
    onEvent: (event) => parts.conversations?.onEvent(event),
    onState: onConnection,
  });
  parts.conversations = makeConversations({
    ...{ me, inBackground, onList: showLists, answers: feed.answers },
    onChanges,
    onReload: (id, state) => page.state?.conversation.id === id && parts.navigation.reopen(state),
    onLeft: (id, title, reason) => isOpen(id) && parts.navigation.leave(title, reason),
  });
  const view = makeThreadView({
    ...{ me, posts, inBackground, onView },
    onReply: (message) => parts.composer.choose(message),
    onMenu: (...opened) => parts.menu.open(...opened),
    onAskAgain: (message) => parts.menu.regenerate(message),
    onCompare: (message) => showCompare(page.state, message),
    onTakeBack: posting.takeBack,
    onProblem: (problem) => parts.composer.showProblem(problem.message),
  });
  parts.view = view;
  parts.menu = makeMessageMenu({
    inBackground,
    onPosted({ conversation_id: id, root_id: root, message_id: message }) {
      location.hash = `#/c/${id}/t/${root}/m/${message}`;
    },
    onProblem: (problem) => parts.composer.showProblem(problem.message),
  });
  parts.composer = makeComposer({
    me,
    onSend: posting.send,
    lastKey: posts.lastKey,
    onTyped: (text) => page.root && page.state && typingNotifier.onTyped(page.state.conversation.id, page.root, text),
    onTarget: (id) => view.setMarks({ target: id }),
    isPlain: (target) =>
      isPlain(target, page.state?.conversation.is_group, page.state?.trees.get(page.root)?.next, view.lastId()),
  });
  parts.onPosted = typingNotifier.onSent;
  parts.marker = makeReadMarker({
    ...{ view, inBackground, onUnread: showLists, sawStart: (row) => parts.sight.sawStart(row) },
    onGoTo: (message) => parts.navigation.goTo(message),
    onEnd: () => inBackground(() => parts.navigation.goToEnd()),
    onNextThread: () => inBackground(() => parts.navigation.nextUnread()),
  });
  parts.sight = makeSight(byId("scroll"), { rows: view.visible, onSeen: parts.marker.onSeen });
  parts.showLists = showLists;
  parts.navigation = makeNavigation(parts);
  parts.password = makePasswordForm(me);

  const isOpen = (id) => page.state?.conversation.id === id || parseHash(location.hash).conversation === id;

  function onConnection(connection) {
    showConnection(connection);
    if (connection === "signed-out") return location.reload();
    // Without a stream the events that end indicators do not arrive.
    page.state?.typing.clear();
    showTyping(page.state, page.root);
    if (connection === "live" || connection === "polling") posts.retryAll();
  }

  function onView() {
    if (!page.root) return;
    const loaded = page.state?.trees.get(page.root)?.messages;
    parts.composer.onShown(loaded?.get(parts.composer.targetId())?.message);
    parts.composer.followView(view.messageInView({ fallback: !parts.composer.hasTarget() }));
    parts.marker.showButtons();
  }

  function onChanges(id, changes) {
    const { state, root } = page;
    if (changes.needsFetch === "threads") inBackground(() => parts.navigation.fetchThreads(id));
    if (id !== state?.conversation.id) return;
    view.update(changes);
    if (changes.typing) showTyping(state, root);
    if (changes.arrived && changes.arrived.root_id === root) onArrived(changes);
    if (changes.conversation) {
      parts.navigation.showWriting();
      view.redraw();
    }
    if (changes.threads || changes.unread || changes.conversation) showLists();
  }

  function onArrived({ arrived, isNew }) {
    const isOwn = arrived.author_user_id === me.id;
    if (isNew !== false) parts.composer.onArrival(arrived, isOwn);
    parts.composer.refresh();
    parts.marker.onArrived(arrived);
    parts.marker.showButtons();
  }

  let frame = 0;

  // Draws both lists and the title, once per frame.
  function showLists() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      const { conversations } = parts;
      const listed = sortedConversations(conversations.inbox);
      showConversations(listed, page.state?.conversation.id, conversations.unreadIn);
      if (page.state) {
        showThreads(page.state, page.root);
        byId("conversation-title").textContent = withoutOverrides(page.state.conversation.title);
        byId("invite").hidden = !mayInvite(page.state.conversation.role);
        if (page.root && page.isOpen) byId("thread-title").textContent = parts.navigation.titleOf(page.state, page.root);
      }
      const unread = listed.reduce((sum, { id }) => sum + conversations.unreadIn(id), 0);
      const title = withoutOverrides(page.state?.conversation.title ?? "RustyGPT");
      document.title = `${unread ? `(${unread >= 1000 ? "1000+" : unread}) ` : ""}${title}`;
    });
  }

  return parts;
}

// Runs a task when a button is clicked, and not again until it has ended.
function onClick(id, task) {
  let isRunning = false;
  byId(id).addEventListener("click", async () => {
    if (isRunning) return;
    isRunning = true;
    await inBackground(task);
    isRunning = false;
  });
}

function addListeners(parts) {
  const { me, page, navigation, conversations } = parts;
  window.addEventListener("hashchange", (event) => {
    const isQuestion = inviteToken(location.hash) || deviceCode(location.hash) !== null;
    if (isQuestion) location.reload(); // the start asks it
    else if (openIdentitiesByAddress()) return;
    else if (!parts.password.onHashChange(event)) navigation.onHashChange();
  });
  byId("invite").addEventListener("click", () => showInviteDialog(page.state.conversation));
  byId("search").addEventListener("click", () => showSearch(navigation.goToHash));
  byId("sessions").addEventListener("click", showSessions);
  addAccountMenu(me, () => inBackground(conversations.loadList));
  onClick("more-threads", async () => {
    await loadMoreThreads(page.state);
    parts.showLists();
  });
  onClick("leave", signOut);
  addKeys(parts);
  addConversationMenu(parts);
  let key = api.newKey();
  let isCreating = false;
  // One conversation however often the form is sent: a key serves until it had success.
  byId("new-conversation").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isCreating) return;
    isCreating = true;
    const form = event.target;
    byId("list-error").textContent = "";
    try {
      const { conversation_id: id } = await api.createConversation(form.elements.title.value, key);
      key = api.newKey();
      form.reset();
      inBackground(conversations.loadList);
      location.hash = `#/c/${id}/new`;
    } catch (problem) {
      if (!problem.isTemporary) key = api.newKey();
      byId("list-error").textContent = problem.message;
    } finally {
      isCreating = false;
    }
  });
}

function addAccountMenu(me, onImported) {
  const entries = [
    ["Change password", () => (location.hash = "#/password")],
    ["Personal tokens", () => showTokens(me)],
    ["Linked accounts", showIdentities],
    ["Import conversations", () => showImport(onImported)],
  ];
  byId("account-menu").addEventListener("click", () => openMenu(byId("account-menu"), entries));
}

async function signOut() {
  try {
    await api.logOut();
  } catch (problem) {
    if (problem.status !== 401) return notify(`You are still signed in. ${problem.message}`);
  }
  location.hash = "#/";
  location.reload();
}

async function fetchUser() {
  try {
    return (await api.me()).user;
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    const { joined } = await showSignIn();
    if (joined) await joinByAddress({ joined });
    return (await api.me()).user;
  }
}

// Says what is left of a server without accounts (features.auth_v1 is off); nothing else starts.
function signInIsOff() {
  notify("Sign-in is switched off on this server. The documents of its API are at /docs.");
  showConnection("signed-out");
  return new Promise(() => {});
}

// Tries until the server answers; the page says meanwhile that it does not.
async function waitForUser() {
  for (;;) {
    try {
      return await fetchUser();
    } catch (problem) {
      byId("app").hidden = false;
      if (problem.status === 404) return signInIsOff();
      notify(problem.message);
      showConnection(navigator.onLine ? "lost" : "offline");
      await new Promise((resolve) => setTimeout(resolve, START_RETRY_MS));
    }
  }
}

let waitingTimer = 0;

// A request waits: the notice says for how long, and goes when the wait is over.
function onRateLimit({ detail: delay }) {
  notify(`The server has had too many requests. Trying again in ${Math.ceil(delay / 1_000)} s.`);
  clearTimeout(waitingTimer);
  waitingTimer = setTimeout(() => notify(""), delay);
}

async function start() {
  byId("starting").hidden = true;
  showConnection("connecting");
  byId("notice-off").addEventListener("click", () => notify(""));
  addEventListener("ratelimit", onRateLimit);
  restorePlace();
  const me = await waitForUser();
  notify("");
  await joinByAddress();
  const decision = await confirmDeviceByAddress();
  byId("who").textContent = me.display_name || me.username;
  byId("app").hidden = false;
  byId("nothing").textContent = "";
  const parts = build(me);
  addListeners(parts);
  startHeartbeat(inBackground);
  parts.posting.posts.resume();
  await inBackground(parts.conversations.loadFirstList);
  parts.password.openAtStart();
  const news = openIdentitiesByAddress() ? "" : decision || takeFailure();
  if (news) notify(news);
  await parts.navigation.onHashChange();
}

start();
