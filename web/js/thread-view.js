// The messages of the open thread: plain text while an answer streams, the server's HTML afterwards.

import { cancel, getMessage } from "./api.js";
import { announce, arrange, byId, formatTime, h, showHtml } from "./dom.js";
import { sortedMessages, textOf } from "./store.js";

const MAX_LEVEL = 4;
const NEAR_END_PX = 80;
const SCROLL_FRAMES = 6;
const ANNOUNCED_CHARACTERS = 200;
const FINISH_NOTES = {
  cancelled: "stopped",
  timeout: "timed out",
  error: "failed",
  length: "cut at the limit",
};

export function makeThreadView({ onReply, onProblem }) {
  const scroll = byId("scroll");
  const rows = new Map(); // by message: the element, and what is drawn in it
  const renderedHtml = new Map(); // by message: the content and its HTML
  const streamed = new Set(); // messages whose streamed text grew since the last frame
  let state = null;
  let rootId = null;
  let frameRequest = 0;
  let needsPaint = false;

  const tree = () => state?.trees.get(rootId);
  const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;

  function scrollToEnd() {
    scroll.scrollTop = scroll.scrollHeight;
    byId("to-end").hidden = true;
  }

  // The height of rows that were never visible is an estimate, so the end moves while they are drawn.
  function followEndUntilStable(frames = SCROLL_FRAMES) {
    scrollToEnd();
    if (frames) requestAnimationFrame(() => followEndUntilStable(frames - 1));
  }

  // Runs `draw` and stays at the end if the view was there; returns whether it was.
  function keepAtEnd(draw) {
    const wasAtEnd = isAtEnd();
    draw();
    if (wasAtEnd) scrollToEnd();
    return wasAtEnd;
  }

  function open(newState, newRoot, isNewThread) {
    if (rootId !== newRoot) {
      rows.clear();
      renderedHtml.clear();
      byId("messages").replaceChildren();
    }
    state = newState;
    rootId = newRoot;
    byId("nothing").textContent = isNewThread ? "Write the first message of a new thread." : "";
    byId("more-messages").hidden = true;
    byId("to-end").hidden = true;
    if (rootId) paint();
  }

  function paint() {
    if (!tree()) return;
    keepAtEnd(() => {
      const messages = sortedMessages(tree());
      const levels = levelsOf(messages);
      arrange(
        byId("messages"),
        messages.map((message) => drawRow(message, levels.get(message.id))),
      );
      byId("more-messages").hidden = !tree().cursor;
    });
  }

  function drawRow(message, level) {
    let row = rows.get(message.id);
    if (!row) {
      row = { element: h("li", { class: `message ${message.role}` }), drawn: null };
      rows.set(message.id, row);
    }
    row.element.dataset.level = level;
    const error = state.errors.get(message.id);
    if (row.drawn !== message || row.error !== error) {
      row.drawn = message;
      row.error = error;
      row.text = h("div", { class: "text" });
      row.element.replaceChildren(
        header(message),
        row.text,
        ...(error ? [h("p", { class: "failure" }, error)] : []),
      );
      renderBody(row, message);
    }
    return row.element;
  }

  function header(message) {
    const action = (label, onclick) => h("button", { type: "button", class: "plain", onclick }, label);
    return h(
      "header",
      {},
      h("span", { class: "author" }, message.author_name || message.role),
      h("time", { datetime: message.created_at }, formatTime(message.created_at)),
      h("span", { class: "note" }, noteOf(message)),
      h(
        "span",
        { class: "actions" },
        message.streaming
          ? action("Stop", () => stopAnswer(message))
          : action("Reply", () => onReply(message)),
      ),
    );
  }

  function htmlOf(message) {
    const rendered = renderedHtml.get(message.id);
    return message.html ?? (rendered?.content === message.content ? rendered.html : undefined);
  }

  function renderBody(row, message) {
    const html = htmlOf(message);
    row.text.className = "text";
    if (message.deleted_at) {
      row.text.classList.add("deleted");
      row.text.textContent = "(deleted)";
    } else if (html !== undefined && !message.streaming) {
      showHtml(row.text, html);
    } else {
      row.text.classList.add("plain");
      row.text.classList.toggle("streaming", Boolean(message.streaming));
      row.text.textContent = textOf(state, message);
      if (!message.streaming) fetchHtml(message);
    }
  }

  async function fetchHtml(message) {
    try {
      const { content, html } = await getMessage(message.id);
      renderedHtml.set(message.id, { content, html });
    } catch {
      return; // the plain text stays
    }
    const row = rows.get(message.id);
    if (row?.drawn === message) keepAtEnd(() => renderBody(row, message));
  }

  async function stopAnswer(message) {
    try {
      await cancel(message.id);
    } catch (problem) {
      onProblem(problem);
    }
  }

  // Draws what an event changed, once per frame.
  function update(changes) {
    const concernsThread =
      changes.root === rootId || rows.has(changes.message) || rows.has(changes.streamed);
    if (!state || !concernsThread) return;
    if (changes.streamed) {
      streamed.add(changes.streamed);
    } else {
      needsPaint = true;
      announceChange(changes);
    }
    frameRequest ||= requestAnimationFrame(drawFrame);
  }

  function drawFrame() {
    frameRequest = 0;
    const wasAtEnd = keepAtEnd(() => {
      if (needsPaint) paint();
      for (const id of streamed) {
        const row = rows.get(id);
        const message = tree()?.messages.get(id)?.message;
        if (row && message?.streaming) row.text.textContent = textOf(state, message);
      }
    });
    needsPaint = false;
    streamed.clear();
    if (!wasAtEnd) byId("to-end").hidden = false;
  }

  function announceChange({ message: id, isNew, finishReason }) {
    const message = tree()?.messages.get(id)?.message;
    if (!message) return;
    const isOwn = message.author_user_id === state.me.id;
    if (finishReason) {
      announce(finishReason === "stop" ? "The assistant has answered." : "The answer has ended.");
    } else if (isNew && !isOwn && !message.streaming) {
      const text = message.content.slice(0, ANNOUNCED_CHARACTERS);
      announce(`${message.author_name || message.role}: ${text}`);
    }
  }

  // The newest message: the next one replies to it when no other is chosen.
  function newest() {
    const messages = tree() ? [...tree().messages.values()].map((entry) => entry.message) : [];
    return messages.reduce((best, message) => (best && best.seq > message.seq ? best : message), null);
  }

  function highlightReplyTarget(id) {
    for (const [rowId, row] of rows) row.element.classList.toggle("target", rowId === id);
  }

  scroll.addEventListener("scroll", () => {
    if (isAtEnd()) byId("to-end").hidden = true;
  });
  byId("to-end").addEventListener("click", () => followEndUntilStable());
  return { open, paint, update, scrollToEnd: followEndUntilStable, isAtEnd, newest, highlightReplyTarget };
}

function noteOf(message) {
  const notes = [];
  if (message.model) notes.push(message.model);
  if (message.edited_at) notes.push("edited");
  if (FINISH_NOTES[message.finish_reason]) notes.push(FINISH_NOTES[message.finish_reason]);
  return notes.join(" · ");
}

// A message is indented only where its parent has several replies, so a chain stays at one level.
function levelsOf(messages) {
  const siblings = new Map();
  for (const { parent_id: parent } of messages) siblings.set(parent, (siblings.get(parent) ?? 0) + 1);
  const levels = new Map();
  for (const { id, parent_id: parent } of messages) {
    const above = levels.get(parent) ?? 0;
    const branches = parent !== undefined && siblings.get(parent) > 1;
    levels.set(id, Math.min(MAX_LEVEL, above + (branches ? 1 : 0)));
  }
  return levels;
}
