// Navigation: what an address shows, and how the view gets to a message, a thread or a conversation.

import { isId, linkedMessage, parseHash } from "./address.js";
import { getMessage, listThreads, Problem } from "./api.js";
import { announce, byId, hide, notify, withoutMarkup, withoutOverrides } from "./dom.js";
import { newThreadPlace } from "./drafts.js";
import { loadAround, loadStart } from "./load.js";
import { findUnread } from "./next-unread.js";
import { showTyping } from "./presence.js";
import { addThreads, mayWrite } from "./store.js";
import { messageAt } from "./thread-window.js";

const RETRY_MS = 2_000;
const NOT_FOUND = [400, 404, 422];
const NO_MESSAGE = "The message of this address is not there; this is the end of the thread.";
const NO_LINKED = "There is no such message, or you are not in it.";
const NO_THREAD = "There is no such thread in this conversation.";
const NO_CONVERSATION = "There is no such conversation, or you are not in it.";

const notFound = () => new Problem("", { status: 404 });

// `parts` are those of the page.
export function makeNavigation(parts) {
  const { me, page, conversations, view, composer, marker, inBackground } = parts;
  let visit = 0; // increases with each navigation, so that a late one is dropped
  let isSearching = false; // for the next unread message

  async function onHashChange() {
    const message = linkedMessage(location.hash);
    if (message) await openLinked(message);
    else await open(parseHash(location.hash));
  }

  // Shows an address also when it is the present one.
  function goToHash(hash) {
    if (location.hash === hash) inBackground(onHashChange);
    else location.hash = hash;
  }

  // A link names a message only: where it is, the server says. What is open stays if it leads nowhere.
  async function openLinked(id) {
    visit += 1;
    const current = visit;
    try {
      if (!isId(id)) throw new Problem(NO_LINKED, { status: 404 });
      const message = await getMessage(id);
      if (current !== visit) return;
      const { conversation_id: conversation, root_id: root } = message;
      history.replaceState(null, "", `#/c/${conversation}/t/${root}/m/${id}`);
      await onHashChange();
      if (message.deleted_at) notify("This message was deleted.");
    } catch (problem) {
      if (problem.status === 401) return location.reload();
      if (problem.status === undefined) throw problem;
      if (current === visit) onLinkProblem(problem, id, current);
    }
  }

  function onLinkProblem(problem, id, current) {
    notify(problem.message);
    if (problem.isTemporary) {
      setTimeout(() => current === visit && openLinked(id), RETRY_MS);
      return;
    }
    const { state, root } = page;
    const place = state ? `#/c/${state.conversation.id}${root ? `/t/${root}` : ""}` : "#/";
    history.replaceState(null, "", place);
    if (!state) showStart();
  }

  async function open(address) {
    visit += 1;
    const current = visit;
    try {
      await navigate(address, current);
    } catch (problem) {
      if (problem.status === 401) return location.reload();
      if (problem.status === undefined) throw problem;
      if (current === visit) onProblem(problem, address, current);
    }
  }

  // Without a response the place stays open, and is tried again; else there is nothing to write to.
  function onProblem(problem, address, current) {
    const { conversation } = address;
    if (problem.isTemporary) {
      notify(problem.message);
      byId("nothing").textContent = problem.message;
      setTimeout(() => current === visit && open(address), RETRY_MS);
      return;
    }
    const isInside = page.state?.conversation.id === conversation;
    if (!isInside) page.state = null;
    Object.assign(page, { root: null, isNewThread: false });
    closeThread();
    byId("thread-title").textContent = "";
    showPane("thread");
    const missing = isInside ? NO_THREAD : NO_CONVERSATION;
    byId("nothing").textContent = NOT_FOUND.includes(problem.status) ? missing : problem.message;
    byId("back-to-threads").href = isInside ? `#/c/${conversation}` : "#/";
    notify(byId("nothing").textContent);
  }

  async function navigate(address, current) {
    const { conversation, root } = address;
    if (!conversation) return showStart();
    notify(""); // what it says is about an earlier place
    const isOther = page.state?.conversation.id !== conversation;
    switchTo(address);
    if (!isId(conversation)) throw notFound();
    const state = await conversations.open(conversation);
    if (current !== visit) return;
    page.state = state;
    if (isOther) inBackground(() => conversations.fetchTransient(conversation));
    showWriting();
    if (!root) showPlace(state, address);
    else if (isId(root)) await openThread(current, state, address);
    else throw notFound();
  }

  // Before anything is fetched the place of the address takes the place of the one that was open:
  // what is typed from now on belongs to it, and nothing can be sent before it is shown.
  function switchTo({ conversation, root, isNewThread }) {
    if (page.state?.conversation.id !== conversation) {
      page.state = conversations.get(conversation) ?? null;
      byId("threads").replaceChildren();
      byId("conversation-title").textContent = withoutOverrides(listedConversation(conversation)?.title ?? "");
    }
    const place = isNewThread ? newThreadPlace(conversation) : root;
    if (place && place === composer.place()) return;
    Object.assign(page, { root, isNewThread });
    closeThread();
    if (!place) return showPane("threads");
    composer.open(place, { forNewThread: isNewThread, isReady: false });
    byId("nothing").textContent = isNewThread ? "" : "Loading …";
    byId("thread-title").textContent = isNewThread ? "New thread" : (page.state && titleOf(page.state, root)) || "…";
    showPane("thread");
    if (isNewThread) composer.focus();
    else byId("scroll").focus({ preventScroll: true });
  }

  const listedConversation = (id) => conversations.inbox.entries.get(id)?.conversation;

  function showStart() {
    Object.assign(page, { state: null, root: null, isNewThread: false });
    byId("conversation-title").textContent = "";
    byId("threads").replaceChildren();
    closeThread();
    showPane("conversations");
  }

  function closeThread() {
    page.isOpen = false;
    view.clear();
    marker.stop();
    composer.open(null);
    showTyping(null, null);
  }

  // A conversation without an open thread, or the place of a new one.
  function showPlace(state, { isNewThread }) {
    setLinks(state);
    if (!isNewThread) {
      showPane("threads");
      byId("conversation-title").focus({ preventScroll: true });
      return;
    }
    const place = newThreadPlace(state.conversation.id);
    const isEmpty = mayWrite(state.conversation, me) && !parts.posting.posts.at(place).length;
    byId("nothing").textContent = isEmpty ? "Write the first message of a new thread." : "";
    parts.showLists();
    view.show(state, null, { place });
    page.isOpen = true;
    composer.setReady();
  }

  // Opens a thread at the message of the address, else where reading stopped, else at its end.
  async function openThread(current, state, address) {
    const { root, message } = address;
    const firstUnread = await marker.start(state, root);
    if (current !== visit) return;
    const wanted = message ?? firstUnread?.id;
    const isThere = await loadPlace(state, root, wanted);
    if (current !== visit) return;
    // The conversation was fetched again meanwhile.
    if (page.state !== state) return openThread(current, page.state, address);
    if (messageAt(state.trees.get(root), 0)?.conversation_id !== state.conversation.id) throw notFound();
    setLinks(state);
    byId("nothing").textContent = isThere ? "" : NO_MESSAGE;
    byId("thread-title").textContent = titleOf(state, root);
    parts.showLists();
    parts.sight.reset();
    view.show(state, root, {
      ...{ place: root, messageId: isThere ? wanted : null, linked: message },
      firstUnread: firstUnread?.id ?? null,
    });
    page.isOpen = true;
    composer.setReady();
    showTyping(state, root);
    marker.showButtons();
  }

  // Loads the part of a thread that has a message, or the end, unless it is in memory. Returns
  // whether the message is there.
  async function loadPlace(state, root, messageId) {
    const tree = state.trees.get(root);
    const isLoaded = messageId ? tree?.messages.has(messageId) : tree && !tree.next && tree.order.length;
    if (isLoaded) return true;
    try {
      if (messageId && !isId(messageId)) throw notFound();
      await loadAround(state, root, messageId);
      return true;
    } catch (problem) {
      if (problem.status !== 404 || !messageId) throw problem;
      notify(NO_MESSAGE);
      await loadAround(state, root, null);
      return false;
    }
  }

  function titleOf(state, root) {
    const loaded = state.trees.get(root)?.messages.get(root)?.message.content;
    return withoutMarkup(state.threads.get(root)?.root_excerpt ?? loaded ?? "") || "(deleted)";
  }

  function setLinks({ conversation: { id } }) {
    byId("new-thread").href = `#/c/${id}/new`;
    byId("back-to-threads").href = `#/c/${id}`;
  }

  function showPane(pane) {
    byId("app").dataset.pane = pane;
    showWriting();
    if (pane !== "thread") {
      byId("thread-title").textContent = "";
      byId("nothing").textContent = page.state ? "Choose a thread, or begin a new one." : "Choose a conversation.";
    }
    parts.showLists();
  }

  // The composer where one may write, else a sentence.
  function showWriting() {
    const conversation = page.state?.conversation;
    const isRefused = Boolean(conversation) && !mayWrite(conversation, me);
    const isPlace = composer.place() !== null;
    hide(byId("composer"), !isPlace || isRefused, byId(isPlace ? "scroll" : page.state ? "conversation-title" : "list-title"));
    byId("read-only").hidden = !isPlace || !isRefused;
    byId("read-only").textContent = conversation?.archived_at
      ? "This conversation is archived: read only."
      : "You may read here, not write.";
    byId("new-thread").hidden = !page.state || isRefused;
    byId("conversation-menu").hidden = !page.state;
    if (conversation) inBackground(() => composer.showModels(conversation));
  }

  // The conversation was fetched again: the open thread is loaded again around what is in view.
  async function reopen(state) {
    const { root } = page;
    const [seen] = view.visible()[0] ?? [];
    page.state = state;
    parts.showLists();
    if (!root || !page.isOpen) return;
    if (!(await loadAgain(state, root, view.isAtEnd() ? null : seen?.id))) return;
    view.replaceState(state);
    marker.showButtons();
    showTyping(state, root);
  }

  // Until it succeeds: what is shown gets no events any more.
  async function loadAgain(state, root, messageId) {
    const isOpen = () => page.state === state && page.root === root;
    while (isOpen()) {
      try {
        await loadPlace(state, root, messageId);
        await marker.start(state, root, { isReload: true });
        return isOpen();
      } catch (problem) {
        if (!problem.isTemporary) throw problem;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    return false;
  }

  // Whatever is being opened is dropped: its failure would hide why.
  function leave(given, reason) {
    const title = withoutOverrides(given ?? "");
    visit += 1;
    showStart();
    location.hash = "#/";
    const which = title ? `the conversation “${title}”` : "this conversation";
    notify(reason === "deleted" ? `${which[0].toUpperCase()}${which.slice(1)} was deleted.` : `You are no longer in ${which}.`);
  }

  // Shows a message of the open thread, which may have to be loaded: { id }.
  function goTo({ id }) {
    if (!page.isOpen) return;
    visit += 1;
    if (view.goTo(id)) return;
    const { state, root } = page;
    inBackground(() => loadThen(() => loadAround(state, root, id), () => view.jump(id, 0.2, state)));
  }

  async function goToEnd() {
    if (!page.isOpen) return;
    const { state, root } = page;
    const isLoaded = !state.trees.get(root)?.next;
    await loadThen(() => isLoaded || loadAround(state, root, null), () => view.toEnd(state));
  }

  async function goToStart() {
    if (!page.isOpen) return;
    const { state, root } = page;
    const isLoaded = !state.trees.get(root)?.prev;
    const show = () => view.jump(state.trees.get(root).order[0], 0, state);
    await loadThen(() => isLoaded || loadStart(state, root), show);
  }

  // Shows what was loaded unless something else was asked for meanwhile.
  async function loadThen(load, show) {
    visit += 1;
    const current = visit;
    await load();
    if (current === visit) show();
  }

  // A post is shown at once, in its place.
  function showPost({ key }) {
    byId("nothing").textContent = "";
    view.jump(key, 0.6);
  }

  // The first message of a thread is stored: its thread takes the place of the new one.
  async function openPosted({ root_id: root }) {
    composer.moveTo(root);
    page.root = root;
    page.isNewThread = false;
    history.pushState(null, "", `#/c/${page.state.conversation.id}/t/${root}`);
    visit += 1;
    const current = visit;
    const { state } = page;
    view.show(state, root, { place: root });
    await inBackground(async () => {
      await marker.start(state, root);
      await loadPlace(state, root, null);
      if (current !== visit) return;
      byId("thread-title").textContent = titleOf(state, root);
      view.show(state, root, { place: root });
      parts.showLists();
    });
  }

  // The message of a post is stored; its place may not be what is loaded.
  async function showPosted(id) {
    const { state, root } = page;
    if (state.trees.get(root)?.messages.has(id)) return;
    await loadAround(state, root, id);
    if (page.root === root) view.jump(id, 0.6, state);
  }

  async function fetchThreads(id) {
    const state = conversations.get(id);
    if (state) addThreads(state, await listThreads(id));
    parts.showLists();
  }

  // The next thread with unread messages: in this conversation, then in the next one; then no more.
  // While one is being opened, that is the next one.
  async function nextUnread() {
    if (isSearching || (page.root && !page.isOpen)) return;
    isSearching = true;
    const current = visit;
    try {
      const address = await findUnread(conversations, page);
      if (current !== visit) return;
      if (address) location.hash = address;
      else notify("There is nothing unread.");
    } finally {
      isSearching = false;
    }
  }

  return {
    ...{ onHashChange, goToHash, reopen, leave, goTo, goToEnd, goToStart, showPost, openPosted, showPosted },
    ...{ fetchThreads, nextUnread, showWriting, titleOf },
  };
}
