// What is read of the open thread: moves the server's mark over what was seen, shows how many unread
// messages lie above and below the view, and leads to them.

import { listUnread, markRead, markUnread } from "./api.js";
import { byId, hide } from "./dom.js";
import { loadUnread } from "./load.js";
import { isUnread, markOf, see, unreadMessages } from "./reading.js";
import { readingOf, setThreadUnread, setUnread, unreadLabel, UNREAD_MAX, unreadOf } from "./store.js";
import { covers, indexOfPath, messageAt } from "./thread-window.js";

const FLUSH_MS = 300; // marks of messages that are seen one after another go in one request
const ENOUGH_KNOWN = 100; // messages above the mark

// `view` is the thread view, `sawStart(row)` says whether the beginning of a row was seen; `onUnread()` is called when counts changed, `onGoTo(message)` shows a
// message that may not be loaded, `onEnd()` the end of the thread, `onNextThread()` leads to unread messages elsewhere.
export function makeReadMarker({ view, inBackground, sawStart, onUnread, onGoTo, onEnd, onNextThread }) {
  let open = null; // { state, root, reading, hasMore }
  let starts = 0; // increases with each start and stop, so that a late one is dropped
  let timer = 0;
  let isMarking = false;
  let isLearning = false;

  // The thread was opened, or fetched again: learns what is unread. Returns the first unread message,
  // or null.
  async function start(state, root, { isReload = false } = {}) {
    starts += 1;
    const current = starts;
    const reading = readingOf(state, root);
    if (!isReload) reading.suspended = false;
    const hasMore = await loadUnread(state, root);
    // The page of what is unread is not all: the server knows the first one in the tree.
    if (hasMore) setUnread(state, await listUnread(state.conversation.id));
    if (current === starts) open = { state, root, reading, hasMore };
    const [first] = unreadMessages(reading);
    const listed = hasMore ? state.firstUnread.get(root) : null;
    return listed ? { id: listed.message_id, path: listed.path } : (first ?? null);
  }

  // The state was fetched again, or no thread is open.
  function stop() {
    starts += 1;
    open = null;
    showButtons();
  }

  function onSeen(messages) {
    if (!open) return;
    const news = messages.filter((message) => message.root_id === open.root && see(open.reading, message));
    if (news.length) onUnread();
    flushSoon();
    showButtons();
  }

  function flushSoon() {
    if (open && markOf(open.reading) > open.reading.readSeq) timer ||= setTimeout(flush, FLUSH_MS);
  }

  async function flush() {
    timer = 0;
    if (!open || isMarking) return;
    const { state, root, reading } = open;
    const seq = markOf(reading);
    if (seq <= reading.readSeq) return;
    isMarking = true;
    await inBackground(async () => {
      setThreadUnread(state, { read_seq: seq, ...(await markRead(root, { seq })) });
      await learnMore();
    });
    isMarking = false;
    onUnread();
    showButtons();
    flushSoon();
  }

  // Knows enough of what lies above the mark for it to move on.
  async function learnMore() {
    if (!open?.hasMore || isLearning) return;
    if (open.reading.knownUpTo - open.reading.readSeq > ENOUGH_KNOWN) return;
    isLearning = true;
    const { state, root } = open;
    try {
      const hasMore = await loadUnread(state, root);
      if (open?.root === root) open.hasMore = hasMore;
    } finally {
      isLearning = false;
    }
  }

  // A message came as an event: the first unread one after everything was read gets the divider.
  function onArrived(message) {
    if (!open || message.root_id !== open.root || open.reading.suspended) return;
    const unread = unreadMessages(open.reading);
    const isFirst = unread.length === 1 && unread[0].id === message.id;
    // A reader who watches an answer begin needs no divider before it.
    const isWatched = message.streaming && document.hasFocus() && view.isAtEnd();
    if (isFirst && !isWatched) view.setMarks({ firstUnread: message.id });
    flushSoon();
  }

  // The unread messages that begin above the view, and those that begin below it.
  function around() {
    const shown = open ? view.visible() : [];
    if (!shown.length) return { above: [], below: [] };
    const unread = unreadMessages(open.reading);
    const [[first, row], [last]] = [shown[0], shown.at(-1)];
    const isAbove = row.getBoundingClientRect().top < byId("scroll").getBoundingClientRect().top - 1;
    const isCut = isAbove && !sawStart(row);
    return {
      above: unread.filter(({ path }) => path < first.path || (isCut && path === first.path)),
      below: unread.filter(({ path }) => path > last.path),
    };
  }

  // How many unread messages are below the view; null where only a part of the unread ones is known.
  // The server's count of all says it as long as none is above.
  function countBelow(below) {
    if (!open?.hasMore) return below.length;
    const { state, root, reading } = open;
    const inView = view.visible().map(([message]) => message);
    if (!inView.length || !isReadBefore(inView[0].path)) return null;
    const total = unreadOf(state, root);
    const seen = inView.filter((message) => isUnread(reading, message)).length;
    return total >= UNREAD_MAX ? total : Math.max(below.length, total - seen);
  }

  // Whether no unread message is before a path: none was before the server's first one, and from that
  // one on the messages are loaded.
  function isReadBefore(path) {
    const first = open.state.firstUnread.get(open.root);
    const tree = open.state.trees.get(open.root);
    if (!first || first.path >= path) return Boolean(first);
    if (!covers(tree, first.path)) return false;
    for (let index = indexOfPath(tree, first.path); messageAt(tree, index)?.path < path; index += 1) {
      if (isUnread(open.reading, messageAt(tree, index))) return false;
    }
    return true;
  }

  function showButtons() {
    const { above, below } = around();
    const count = countBelow(below);
    const isBelow = below.length > 0 || (count > 0 && !view.isAtEnd());
    byId("unread-above").textContent = open?.hasMore ? "↑ new" : `↑ ${unreadLabel(above.length)} new`;
    const label = count === null ? "↓ new" : `↓ ${unreadLabel(count)} new`;
    byId("to-end").textContent = isBelow ? label : "↓ To the end";
    hide(byId("unread-above"), !above.length, byId("scroll"));
    hide(byId("to-end"), !open || (!isBelow && view.isAtEnd()), byId("scroll"));
  }

  function goDown() {
    const { below } = around();
    if (below.length) onGoTo(below[0]);
    else onEnd();
  }

  function goUp() {
    const { above } = around();
    if (above.length) onGoTo(above[0]);
  }

  // The next unread message below, else above, else in another thread or conversation.
  function next() {
    const { above, below } = around();
    const target = below[0] ?? above[0];
    if (target && !open.reading.suspended) onGoTo(target);
    else onNextThread();
  }

  async function markAll() {
    if (!open) return;
    const { state, root, reading } = open;
    const result = await markRead(root);
    const known = Math.max(reading.readSeq, ...reading.known.keys());
    setThreadUnread(state, { read_seq: known, ...result });
    reading.suspended = false;
    open.hasMore = false;
    onUnread();
    showButtons();
  }

  async function markUnreadFrom(message) {
    if (!open || !message) return;
    const { state, root, reading } = open;
    reading.suspended = true;
    setThreadUnread(state, { read_seq: message.seq - 1, ...(await markUnread(root, message.id)) });
    open.hasMore = await loadUnread(state, root);
    view.setMarks({ firstUnread: message.id });
    onUnread();
    showButtons();
  }

  byId("unread-above").addEventListener("click", goUp);
  byId("to-end").addEventListener("click", goDown);
  return { start, stop, onSeen, onArrived, showButtons, next, markAll, markUnreadFrom };
}
