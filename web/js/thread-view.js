// The messages of the open thread: of those that are loaded, the rows around the view are in the
// document; rows are added and removed at both ends while it moves, and pages are loaded.

import { cancel } from "./api.js";
import { progressOf } from "./answer-status.js";
import { announce, arrange, byId } from "./dom.js";
import { loadPage } from "./load.js";
import { makeFetcher } from "./message-fetcher.js";
import { menuOf } from "./message-menu.js";
import { makePostRow, makeRow } from "./message-row.js";
import { nameOf } from "./names.js";
import { makeScrolling } from "./scrolling.js";
import { mayWrite, reasoningOf, textOf } from "./store.js";
import { answersByQuestion, itemsOf, levelsOf, placeAmong } from "./thread-items.js";
import { chainEnd, indexOfMessage, isLeaf } from "./thread-window.js";

const STEP = 20; // rows that are added per frame
const MAX_ROWS = 300;
const MARGIN_PX = 1_500; // rows are ready this far beyond the view
const PREFETCH_ROWS = 60;
const ANNOUNCED_CHARACTERS = 200;

// `posts` are those on their way; `onReply`, `onTakeBack` and `onProblem` are the buttons' effects;
// `onView()` is called when other messages may be in view.
export function makeThreadView({ me, posts, inBackground, onReply, onMenu, onAskAgain, onCompare, onTakeBack, onProblem, onView }) {
  const scroll = byId("scroll");
  const list = byId("messages");
  const rows = new Map(); // rows in the document, by key
  const streamed = new Set(); // messages whose streamed text grew since the last frame
  const loading = new Set(); // sides of which a page is requested
  const fetcher = makeFetcher({ inBackground, onFetched: () => schedule() });
  let shown = { state: null, root: null, place: null, firstUnread: null, linked: null, target: null };
  let items = [];
  let indexes = new Map(); // of items, by key
  let levels = new Map();
  let answers = new Map(); // ids of the answers to each message
  let slice = { first: null, last: null }; // keys of the first and last row in the document
  let frame = 0;
  let needsDraw = false;
  let timer = 0;

  const tree = () => shown.state?.trees.get(shown.root);
  const isLastRow = () => slice.last === (items.at(-1)?.key ?? null);
  const hasEnd = () => !tree()?.next && isLastRow();
  const scrolling = makeScrolling(scroll, list, { hasEnd, onMoved });
  const rowActions = { onReply, onMenu, onAskAgain, onCompare, onStop: (message) => inBackground(() => stopAnswer(message)) };

  // Shows a thread, or the place of one that is not there yet: at a message, or at its end.
  function show(state, root, { place, messageId = null, part = 0.2, firstUnread = null, linked = null }) {
    if (shown.place !== place) {
      rows.clear();
      list.replaceChildren();
    }
    shown = { ...shown, state, root, place, firstUnread, linked };
    rebuild();
    if (messageId && indexes.has(messageId)) return goTo(messageId, part);
    toEnd();
  }

  function rebuild() {
    items = itemsOf(tree(), posts.at(shown.place));
    indexes = new Map(items.map((item, index) => [item.key, index]));
    levels = levelsOf(items);
    answers = answersByQuestion(tree());
  }

  function setSlice(first, last) {
    const from = Math.max(0, first);
    const to = Math.min(items.length, last);
    slice = { first: items[from]?.key ?? null, last: items[to - 1]?.key ?? null };
  }

  // The slice as indexes, the second one after its end; its rows may have gone meanwhile.
  function sliceIndexes() {
    const last = indexes.get(slice.last);
    const start = last === undefined ? items.length - 2 * STEP : last - MAX_ROWS + 1;
    const first = indexes.get(slice.first) ?? Math.max(0, start);
    return { first, last: Math.min(items.length, (last ?? first + MAX_ROWS - 1) + 1) };
  }

  // Shows a loaded message or post; returns whether it is there.
  function goTo(key, part = 0.2) {
    const index = indexes.get(key);
    if (index === undefined) return false;
    if (!rows.has(key)) setSlice(index - STEP, index + 2 * STEP);
    draw();
    scrolling.toRow(rows.get(key).element, part);
    afterMove();
    return true;
  }

  // Shows a message of a part of the thread that was just loaded, or a post that was just added.
  function jump(key, part, state = shown.state) {
    shown = { ...shown, state };
    rebuild();
    return goTo(key, part);
  }

  // Goes on with another state of the same thread.
  function replaceState(state) {
    shown = { ...shown, state };
    redraw();
  }

  function toEnd(state = shown.state) {
    shown = { ...shown, state };
    rebuild();
    setSlice(items.length - 2 * STEP, items.length);
    draw();
    scrolling.toEnd();
    afterMove();
  }

  // Draws the rows of the slice, and keeps the place of what is in view.
  function draw() {
    scrolling.prepare();
    const { first, last } = sliceIndexes();
    const hadFocus = list.contains(document.activeElement);
    const keys = new Set();
    const elements = items.slice(first, last).map((item, offset) => {
      keys.add(item.key);
      return drawItem(item, first + offset);
    });
    arrange(list, elements);
    for (const key of rows.keys()) if (!keys.has(key)) rows.delete(key);
    if (hadFocus && !list.contains(document.activeElement)) scroll.focus({ preventScroll: true });
    scrolling.restore();
  }

  function drawItem({ key, message, entry }, index) {
    let row = rows.get(key);
    if (!row) {
      row = entry ? makePostRow(nameOfUser(), { onRetry: posts.retry, onTakeBack }) : makeRow(rowActions);
      row.element.dataset.key = key;
      rows.set(key, row);
    }
    if (entry) row.update(entry, levels.get(key));
    else drawMessage(row, message, index);
    return row.element;
  }

  function drawMessage(row, message, index) {
    const { state } = shown;
    row.update(message, {
      content: textOf(state, message),
      reasoning: message.deleted_at ? "" : reasoningOf(state, message),
      ...progressOf(state, message),
      html: fetcher.htmlOf(message),
      error: message.deleted_at ? "" : (message.error?.message ?? state.errors.get(message.id)),
      place: placeOf(message, index),
    });
    row.element.classList.toggle("target", message.id === shown.target);
    row.element.classList.toggle("linked", message.id === shown.linked);
  }

  function placeOf(message, index) {
    const { parent_id: parentId, depth, id } = message;
    const { state, root } = shown;
    const isBelowParent = items[index - 1]?.key === parentId;
    const size = state.threads.get(root)?.message_count; // without deleted messages
    const parent = tree().messages.get(parentId)?.message;
    return {
      level: levels.get(id),
      depth,
      position: tree().prev ? null : index + 1,
      size: size > index ? size : -1,
      menu: menuOf(message, parent, state.conversation, me),
      answers: placeAmong(answers.get(parentId), message),
      parent: parentId && !isBelowParent ? parentOf(parentId) : null,
      href: `#/c/${state.conversation.id}/t/${root}/m/${parentId}`,
      isFirstUnread: id === shown.firstUnread,
      isWritable: mayWrite(state.conversation, me),
    };
  }

  const parentOf = (id) => tree().messages.get(id)?.message ?? fetcher.get(id);
  const nameOfUser = () => me.display_name || me.username;

  function onMoved() {
    extend();
    afterMove();
  }

  function afterMove() {
    onView();
    requestAnimationFrame(extend);
  }

  // Adds rows where the view comes near an end of the slice, and loads pages where what is loaded
  // ends; rows far from the view leave the document.
  function extend() {
    if (!tree()) return;
    const above = scroll.scrollTop;
    const below = scroll.scrollHeight - above - scroll.clientHeight;
    const { first, last } = sliceIndexes();
    if (below < MARGIN_PX && last < items.length) {
      grow(Math.max(first, last + STEP - MAX_ROWS), last + STEP);
    } else if (above < MARGIN_PX && first > 0) {
      grow(first - STEP, Math.min(last, first - STEP + MAX_ROWS));
    }
    if (tree().next && items.length - last < PREFETCH_ROWS) load("next");
    if (tree().prev && first < PREFETCH_ROWS) load("prev");
  }

  function grow(first, last) {
    setSlice(first, last);
    draw();
    requestAnimationFrame(extend);
  }

  function load(side) {
    if (loading.has(side)) return;
    const { state, root } = shown;
    loading.add(side);
    inBackground(async () => {
      try {
        await loadPage(state, root, side);
      } finally {
        loading.delete(side);
      }
      if (state === shown.state && root === shown.root) redraw();
    });
  }

  // Draws everything again; a slice that had the last row gets the new last ones.
  function redraw() {
    const hadLastRow = isLastRow();
    rebuild();
    const { first, last } = sliceIndexes();
    if (hadLastRow && (scrolling.follows() || items.length - first <= MAX_ROWS)) {
      setSlice(Math.max(first, items.length - MAX_ROWS), items.length);
    } else {
      setSlice(first, last);
    }
    draw();
    afterMove();
  }

  // Draws what an event changed, once per frame.
  function update(changes) {
    if (changes.changed && fetcher.forget(changes.changed)) schedule();
    const concerns = changes.root === shown.root || rows.has(changes.message) || rows.has(changes.streamed);
    if (!shown.root || !concerns) return;
    if (changes.streamed) streamed.add(changes.streamed);
    else announceChange(changes);
    schedule(!changes.streamed);
  }

  function schedule(all = true) {
    needsDraw ||= all;
    frame ||= requestAnimationFrame(drawFrame);
  }

  function drawFrame() {
    frame = 0;
    if (!shown.state) return;
    if (needsDraw) redraw();
    else drawStreamed();
    needsDraw = false;
    streamed.clear();
  }

  function drawStreamed() {
    scrolling.prepare();
    for (const id of streamed) {
      const row = rows.get(id);
      const index = indexes.get(id);
      if (row && index !== undefined) drawMessage(row, items[index].message, index);
    }
    scrolling.restore();
    onView();
    tick();
  }

  // While an answer is in progress, what is said about it changes every second.
  function tick() {
    const ids = [...(shown.state?.statuses.keys() ?? [])].filter((id) => rows.has(id));
    if (timer || !ids.length) return;
    timer = setTimeout(() => {
      timer = 0;
      for (const id of ids) streamed.add(id);
      schedule(false);
    }, 1_000);
  }

  function announceChange({ message: id, isNew, finishReason }) {
    const message = tree()?.messages.get(id)?.message;
    if (!message) return;
    const isOwn = message.author_user_id === me.id;
    if (finishReason) {
      announce(finishReason === "stop" ? "The assistant has answered." : "The answer has ended.");
    } else if (isNew && !isOwn && !message.streaming) {
      announce(`${nameOf(message)}: ${message.content.slice(0, ANNOUNCED_CHARACTERS)}`);
    }
  }

  async function stopAnswer(message) {
    try {
      await cancel(message.id);
    } catch (problem) {
      onProblem(problem);
    }
  }

  // The messages in view with their rows, from the top.
  function visible() {
    const { top, bottom } = scroll.getBoundingClientRect();
    const found = [];
    for (let index = scrolling.childAt(list, top); index < list.children.length; index += 1) {
      const element = list.children[index];
      if (element.getBoundingClientRect().top >= bottom) break;
      const message = rows.get(element.dataset.key)?.message;
      if (message) found.push([message, element]);
    }
    return found;
  }

  // The message that an answer goes to, by what is in view: the last message of the lowest branch
  // whose end is in view, else the end of the branch of the lowest message in view. Where that is not
  // loaded it is null, or with `fallback` that lowest message itself.
  function messageInView({ fallback }) {
    const { bottom } = scroll.getBoundingClientRect();
    const inView = visible();
    const leaf = inView.findLast(
      ([message, element]) =>
        element.getBoundingClientRect().bottom <= bottom + 1 &&
        isLeaf(tree(), indexOfMessage(tree(), message.id)),
    );
    if (leaf) return leaf[0];
    const lowest = inView.at(-1)?.[0];
    if (!lowest) return null;
    return chainEnd(tree(), indexOfMessage(tree(), lowest.id)) ?? (fallback ? lowest : null);
  }

  function setMarks(marks) {
    const isSame = Object.entries(marks).every(([name, value]) => shown[name] === value);
    Object.assign(shown, marks);
    if (!isSame) schedule();
  }

  // The message that has the focus, else the first one in view.
  function current() {
    const focused = document.activeElement?.closest?.("li.message");
    const row = [...rows.values()].find(({ element, message }) => element === focused && message);
    return row?.message ?? visible()[0]?.[0] ?? null;
  }

  function clear() {
    shown = { ...shown, state: null, root: null, place: null };
    items = [];
    rows.clear();
    list.replaceChildren();
  }

  const lastId = () => tree()?.order.at(-1);
  return {
    ...{ show, clear, update, redraw: () => schedule(), replaceState, goTo, jump, toEnd, visible, messageInView, setMarks, current, lastId },
    isAtEnd: scrolling.isAtEnd,
    has: (key) => indexes.has(key),
    firstUnread: () => shown.firstUnread,
  };
}
