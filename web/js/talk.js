// The messages of the open thread: plain text while it streams, the server's HTML afterwards.

import { get, post } from "./api.js";
import { announce, arrange, byId, h, showHtml, when } from "./dom.js";
import { sortedMessages, textOf } from "./store.js";

const DEEPEST = 4;
const NEAR_END = 80;

export function makeTalk({ onReply, onProblem }) {
  const scroll = byId("scroll");
  const rows = new Map();
  const html = new Map();
  let state = null;
  let rootId = null;
  let painting = 0;

  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END;

  function toEnd() {
    scroll.scrollTop = scroll.scrollHeight;
    byId("to-end").hidden = true;
  }

  // Rows that were never seen have a guessed height: the end moves while they are drawn.
  function settleAtEnd(left = 6) {
    toEnd();
    if (left) requestAnimationFrame(() => settleAtEnd(left - 1));
  }

  function open(newState, newRoot, fresh) {
    if (rootId !== newRoot) {
      rows.clear();
      html.clear();
      byId("messages").replaceChildren();
    }
    [state, rootId] = [newState, newRoot];
    byId("nothing").textContent = fresh ? "Write the first message of a new thread." : "";
    byId("more-messages").hidden = true;
    byId("to-end").hidden = true;
    if (rootId) paint();
  }

  const tree = () => state?.trees.get(rootId);

  function paint() {
    if (!tree()) return;
    const stick = atEnd();
    const messages = sortedMessages(tree());
    const levels = levelsOf(messages);
    arrange(
      byId("messages"),
      messages.map((message) => draw(message, levels.get(message.id))),
    );
    byId("more-messages").hidden = !tree().cursor;
    if (stick) toEnd();
  }

  function draw(message, level) {
    let row = rows.get(message.id);
    if (!row) {
      row = { element: h("li", { class: `message ${message.role}` }), drawn: null };
      rows.set(message.id, row);
    }
    row.element.dataset.level = level;
    const trouble = state.troubles.get(message.id);
    if (row.drawn !== message || row.trouble !== trouble) {
      row.text = h("div", { class: "text" });
      row.element.replaceChildren(
        head(message),
        row.text,
        ...(trouble ? [h("p", { class: "trouble" }, trouble)] : []),
      );
      [row.drawn, row.trouble] = [message, trouble];
      fill(row, message);
    }
    return row.element;
  }

  function head(message) {
    const stop = h("button", { type: "button", class: "plain", onclick: () => cancel(message) }, "Stop");
    const reply = h("button", { type: "button", class: "plain", onclick: () => onReply(message) }, "Reply");
    return h(
      "header",
      {},
      h("span", { class: "author" }, message.author_name || message.role),
      h("time", { datetime: message.created_at }, when(message.created_at)),
      h("span", { class: "note" }, noteOf(message)),
      h("span", { class: "acts" }, message.streaming ? stop : reply),
    );
  }

  function fill(row, message) {
    const known = message.html ?? html.get(message.id)?.of(message.content);
    row.text.className = "text";
    if (message.deleted_at) {
      row.text.classList.add("deleted");
      row.text.textContent = "(deleted)";
    } else if (known !== undefined && !message.streaming) {
      showHtml(row.text, known);
    } else {
      row.text.classList.add("plain");
      row.text.classList.toggle("streaming", Boolean(message.streaming));
      row.text.textContent = textOf(state, message);
      if (!message.streaming) fetchHtml(message);
    }
  }

  async function fetchHtml(message) {
    try {
      const full = await get(`/api/messages/${message.id}?render=html`);
      html.set(message.id, { of: (text) => (text === full.content ? full.html : undefined) });
    } catch {
      return; // the plain text stays
    }
    const row = rows.get(message.id);
    if (row?.drawn !== message) return;
    const stick = atEnd();
    fill(row, message);
    if (stick) toEnd();
  }

  async function cancel(message) {
    try {
      await post(`/api/messages/${message.id}/cancel`);
    } catch (problem) {
      onProblem(problem);
    }
  }

  // What an event changed, drawn once a frame.
  function update(changes) {
    const here = changes.root === rootId || rows.has(changes.message) || rows.has(changes.grown);
    if (!state || !here) return;
    if (changes.grown) {
      growing.add(changes.grown);
    } else {
      pending = true;
      speak(changes);
    }
    painting ||= requestAnimationFrame(frame);
  }

  const growing = new Set();
  let pending = false;

  function frame() {
    painting = 0;
    const stick = atEnd();
    if (pending) paint();
    for (const id of growing) {
      const row = rows.get(id);
      const message = tree()?.messages.get(id)?.message;
      if (row && message?.streaming) row.text.textContent = textOf(state, message);
    }
    pending = false;
    growing.clear();
    if (stick) toEnd();
    else byId("to-end").hidden = false;
  }

  function speak({ message: id, fresh, done }) {
    const message = tree()?.messages.get(id)?.message;
    if (!message) return;
    const mine = message.author_user_id === state.me.id;
    if (done) announce(done === "stop" ? "The assistant has answered." : "The answer has ended.");
    else if (fresh && !mine && !message.streaming) {
      announce(`${message.author_name || message.role}: ${message.content.slice(0, 200)}`);
    }
  }

  // The message that the next one answers when no other is chosen: the newest.
  function newest() {
    const messages = tree() ? [...tree().messages.values()].map((entry) => entry.message) : [];
    return messages.reduce((best, one) => (best && best.seq > one.seq ? best : one), null);
  }

  function mark(id) {
    for (const [rowId, row] of rows) row.element.classList.toggle("target", rowId === id);
  }

  scroll.addEventListener("scroll", () => {
    if (atEnd()) byId("to-end").hidden = true;
  });
  byId("to-end").addEventListener("click", () => settleAtEnd());
  return { open, paint, update, toEnd: settleAtEnd, atEnd, newest, mark };
}

function noteOf(message) {
  const notes = [];
  if (message.model) notes.push(message.model);
  if (message.edited_at) notes.push("edited");
  const ends = { cancelled: "stopped", timeout: "timed out", error: "failed", length: "cut at the limit" };
  if (ends[message.finish_reason]) notes.push(ends[message.finish_reason]);
  return notes.join(" · ");
}

// A chain stays where it is; only where answers part does the depth show.
function levelsOf(messages) {
  const siblings = new Map();
  for (const { parent_id: parent } of messages) siblings.set(parent, (siblings.get(parent) ?? 0) + 1);
  const levels = new Map();
  for (const { id, parent_id: parent } of messages) {
    const above = levels.get(parent) ?? 0;
    const parted = parent !== undefined && siblings.get(parent) > 1;
    levels.set(id, Math.min(DEEPEST, above + (parted ? 1 : 0)));
  }
  return levels;
}
