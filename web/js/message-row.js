// One row of a thread: a message, or a pending post. Rows are updated in place, so that the focus
// and a selection in them stay.

import { isSelected, makeBlocks, settle } from "./blocks.js";
import { formatTime, h, parseBlocks, withoutMarkup } from "./dom.js";
import { deletionOf, nameOf } from "./names.js";
import { makeReasoning } from "./reasoning.js";

export const FINISH_NOTES = {
  cancelled: "stopped",
  timeout: "timed out",
  error: "failed",
  length: "cut at the limit",
};
const EXCERPT_CHARACTERS = 80;

// The first words of a message without Markdown, on one line.
export function firstWords(message) {
  const plain = withoutMarkup(message.content.slice(0, 2 * EXCERPT_CHARACTERS));
  const words = plain.replace(/\s+/g, " ").trim().slice(0, EXCERPT_CHARACTERS);
  if (message.deleted_at) return deletionOf(message);
  return words || (message.streaming ? "(answering …)" : "(no text)");
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setAttribute(element, name, value) {
  if (value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// `actions` are `onReply(message)`, `onStop(message)`, `onAskAgain(message)`, `onCompare(message)`, and
// `onMenu(button, message, entries)`.
export function makeRow(actions) {
  const author = h("span", { class: "author", dir: "auto" });
  const time = h("time");
  const note = h("span", { class: "note" });
  const button = h("button", { type: "button", class: "plain", onclick: onButton });
  const more = h("button", { type: "button", class: "plain more-actions", "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => actions.onMenu(more, row.message, row.entries) }, "⋯");
  const divider = h("p", { class: "divider" }, "New");
  const parent = h("a", { class: "parent", dir: "auto" });
  const failure = h("p", { class: "failure" });
  const omitted = h("p", { class: "quiet omitted" });
  const reasoning = makeReasoning();
  const again = h("button", { type: "button", class: "plain", onclick: () => actions.onAskAgain(row.message) }, "Ask again");
  const compare = h("button", { type: "button", class: "plain compare", onclick: () => actions.onCompare(row.message) });
  const text = h("div", { class: "text" });
  const header = h("header", {}, author, time, note, h("span", { class: "actions" }, button, more));
  const element = h("li", { class: "message", tabindex: "-1" }, header, text);
  const row = { element, text, message: null, entries: [], blocks: null, drawnText: null };

  function onButton() {
    if (row.message.streaming) actions.onStop(row.message);
    else actions.onReply(row.message);
  }

  // `place` is what the tree says: level, position, size, the parent unless it is right above,
  // whether the first unread message is this one, and whether one may reply; `progress` is the state of an
  // answer in progress in words.
  row.update = (message, { content, html, error, place, progress, reasoning: thought, omitted: left }) => {
    row.message = message;
    element.className = `message ${message.role}`;
    setPlace(place);
    setText(author, nameOf(message));
    if (time.dateTime !== message.created_at) {
      time.dateTime = message.created_at;
      time.textContent = formatTime(message.created_at);
    }
    setText(note, noteOf(message, progress));
    setText(button, message.streaming ? "Stop" : "Reply");
    setAttribute(button, "aria-label", buttonLabel(message, content));
    button.hidden = !place.isWritable;
    row.entries = place.menu;
    more.hidden = !place.menu.length;
    setAttribute(more, "aria-label", `More for ${nameOf(message)}: ${firstWords({ ...message, content })}`);
    toggle(reasoning.element, thought, () => reasoning.update(thought, message.streaming && !content), () => text.before(reasoning.element));
    toggle(omitted, left, (words) => setText(omitted, words), () => text.after(omitted));
    toggle(again, isFailed(message) && hasEntry(place.menu, "regenerate"), () => setAttribute(again, "aria-label", `Ask again: ${firstWords({ ...message, content })}`), () => button.before(again));
    toggle(compare, place.answers && !message.deleted_at, () => showAnswers(place.answers), () => note.after(compare));
    toggle(failure, error, (shown) => shown.replaceChildren(error), () => element.append(failure));
    drawText(message, content, html);
  };

  function setPlace({ level, depth, position, size, parent: shown, isFirstUnread, href }) {
    setAttribute(element, "data-level", level);
    setAttribute(element, "aria-level", depth);
    setAttribute(element, "aria-posinset", position);
    setAttribute(element, "aria-setsize", position ? size : null);
    toggle(divider, isFirstUnread, () => {}, () => element.prepend(divider));
    toggle(parent, shown, () => showParent(shown, href), () => text.before(parent));
  }

  function showAnswers({ position, count }) {
    setText(compare, `${position} of ${count}`);
    setAttribute(compare, "aria-label", `${position} of ${count} answers: compare them`);
  }

  function showParent(shown, href) {
    setAttribute(parent, "href", href);
    setText(parent, shown.content === undefined ? "↳ an earlier message" : `↳ ${nameOf(shown)}: ${firstWords(shown)}`);
  }

  // While text grows it is drawn as blocks; the server's HTML replaces what looks different.
  function drawText(message, content, html) {
    if (message.deleted_at) return drawDeleted(message);
    text.classList.remove("deleted");
    text.classList.toggle("streaming", Boolean(message.streaming));
    if (html !== undefined && !message.streaming) {
      return drawOnce(`html:${html}`, () => {
        if (row.blocks) settle(text, parseBlocks(html));
        else text.replaceChildren(...parseBlocks(html));
        row.blocks = null;
      });
    }
    if (!row.blocks && text.firstChild) text.replaceChildren();
    if (row.drawnText !== null && !(row.blocks && content.startsWith(row.drawnText))) {
      text.replaceChildren();
      row.blocks = null;
    }
    row.blocks ??= makeBlocks(text);
    row.blocks.setText(content);
    if (!message.streaming) row.blocks.end();
    row.drawnText = content;
  }

  function drawDeleted(message) {
    row.blocks = null;
    row.drawnText = null;
    if (text.textContent !== deletionOf(message)) text.replaceChildren(deletionOf(message));
    text.classList.remove("streaming");
    text.classList.add("deleted");
  }

  function drawOnce(drawn, draw) {
    if (row.drawnText === drawn) return;
    draw();
    row.drawnText = drawn;
  }

  row.hasSelection = () => isSelected(element);
  return row;
}

// Begins with the words on the button; a list of buttons says which message each belongs to.
function buttonLabel(message, content) {
  if (message.streaming) return `Stop the answer of ${nameOf(message)}`;
  return `Reply to ${nameOf(message)}: ${firstWords({ ...message, content })}`;
}

function toggle(part, isShown, update, insert) {
  if (!isShown) return part.remove();
  update(part);
  if (!part.isConnected && !part.parentNode) insert();
}

const isFailed = ({ finish_reason: reason, deleted_at: deletedAt }) =>
  !deletedAt && ["error", "timeout", "cancelled"].includes(reason);

const hasEntry = (menu, action) => menu.some(([name]) => name === action);

function noteOf(message, progress) {
  const notes = [];
  if (message.model) notes.push(message.model);
  if (message.streaming) notes.push(progress);
  if (message.deleted_at) return notes.join(" · ");
  if (message.edited_at) notes.push("edited");
  if (FINISH_NOTES[message.finish_reason]) notes.push(FINISH_NOTES[message.finish_reason]);
  return notes.join(" · ");
}

const POST_NOTES = {
  queued: "waits for the one before",
  sending: "sending …",
  sent: "sending …",
  waiting: "not sent yet, trying again …",
  failed: "not sent",
};

// A post until its message is there; `onRetry(key)` and `onTakeBack(key)` are its buttons.
export function makePostRow(name, { onRetry, onTakeBack }) {
  const note = h("span", { class: "note" });
  const action = (label, run, post) =>
    h("button", { type: "button", class: "plain", "aria-label": `${label}: ${firstWords(post)}`, onclick: run }, label);
  const actions = h("span", { class: "actions" });
  const text = h("div", { class: "text" });
  const failure = h("p", { class: "failure" });
  const header = h("header", {}, h("span", { class: "author", dir: "auto" }, name), note, actions);
  const element = h("li", { class: "message user pending", tabindex: "-1" }, header, text, failure);
  const row = { element, text, message: null, hasSelection: () => isSelected(element) };

  row.update = ({ post, state, problem }, level) => {
    setAttribute(element, "data-level", level);
    setText(note, POST_NOTES[state]);
    setText(failure, ["waiting", "failed"].includes(state) ? problem : "");
    if (!text.firstChild) {
      const blocks = makeBlocks(text);
      blocks.setText(post.content);
      blocks.end();
    }
    if (row.state === state) return;
    row.state = state;
    const isStuck = ["waiting", "failed"].includes(state);
    const buttons = [
      isStuck && action("Send again", () => onRetry(post.key), post),
      (isStuck || state === "queued") && action("Take back", () => onTakeBack(post.key), post),
    ];
    actions.replaceChildren(...buttons.filter(Boolean));
  };
  return row;
}
