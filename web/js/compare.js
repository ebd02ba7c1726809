// The answers to one question side by side: regenerated ones, or those of several models.

import * as api from "./api.js";
import { isSelected, makeBlocks } from "./blocks.js";
import { closeDialog, showDialog, titleOf } from "./dialog.js";
import { formatTime, h, parseBlocks } from "./dom.js";
import { FINISH_NOTES } from "./message-row.js";
import { nameOf } from "./names.js";
import { textOf } from "./store.js";
import { answersByQuestion } from "./thread-items.js";

const INTERVAL_MS = 500;
const MAX_ANSWERS = 12;

// Shows the answers to the question of `message`; those in progress grow.
export function showCompare(state, { root_id: root, parent_id: parent }) {
  const all = answersByQuestion(state.trees.get(root)).get(parent) ?? [];
  const columns = all.slice(-MAX_ANSWERS).map((id) => makeColumn(state, root, id));
  const close = h("button", { type: "button", class: "plain", onclick: closeDialog }, "Close");
  const older = all.length > MAX_ANSWERS ? h("p", { class: "quiet" }, `The latest ${MAX_ANSWERS} of ${all.length}.`) : null;
  const list = h("div", { class: "columns" }, ...columns.map(({ element }) => element));
  const timer = setInterval(() => columns.forEach((column) => column.draw()), INTERVAL_MS);
  columns.forEach((column) => column.draw());
  const content = h("div", { class: "compare" }, titleOf(`${all.length} answers`), older, list, h("p", { class: "buttons" }, close));
  showDialog(content, close, () => clearInterval(timer));
}

function makeColumn(state, root, id) {
  const text = h("div", { class: "text" });
  const note = h("p", { class: "quiet" });
  const failure = h("p", { class: "failure" });
  const messageNow = () => state.trees.get(root)?.messages.get(id)?.message;
  const { conversation_id: conversation, model } = messageNow();
  const link = h("a", { href: `#/c/${conversation}/t/${root}/m/${id}`, onclick: closeDialog }, "Show in the thread");
  const heading = h("h3", { dir: "auto" }, model ?? nameOf(messageNow()));
  const element = h("section", {}, heading, note, failure, h("div", { class: "scroll-column", tabindex: "0", role: "region", "aria-label": `Answer of ${model}` }, text), link);
  let blocks = null;
  let isRendered = false;

  function draw() {
    const message = messageNow();
    if (!message || isRendered) return;
    const words = message.usage ? `${message.usage.estimated ? "about " : ""}${message.usage.completion_tokens} tokens` : "";
    const notes = message.streaming ? ["answering …"] : [FINISH_NOTES[message.finish_reason], words];
    note.textContent = [formatTime(message.created_at), ...notes].filter(Boolean).join(" · ");
    failure.textContent = message.error?.message ?? state.errors.get(id) ?? "";
    failure.hidden = !failure.textContent;
    if (isSelected(text)) return;
    blocks ??= makeBlocks(text);
    blocks.setText(textOf(state, message));
    if (!message.streaming) render();
  }

  async function render() {
    isRendered = true;
    blocks.end();
    try {
      const { html } = await api.getMessage(id);
      if (!isSelected(text)) text.replaceChildren(...parseBlocks(html));
    } catch {
      // The text stays as it was drawn while it was written.
    }
  }

  return { element, draw };
}
