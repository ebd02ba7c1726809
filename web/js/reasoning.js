// What a model thought before it answered: folded, as plain text, beside the answer.

import { h } from "./dom.js";

export function makeReasoning() {
  const summary = h("summary");
  const text = h("div", { class: "raw", dir: "auto" });
  const element = h("details", { class: "reasoning", ontoggle: show }, summary, text);
  let written = "";
  let counted = { length: 0, words: 0 };

  // The text is put into the document only while it is open: it may be long, and grow with every frame.
  function show() {
    const shown = element.open ? written : "";
    const last = text.firstChild;
    if (last && shown.startsWith(last.data)) last.appendData(shown.slice(last.data.length));
    else if ((last?.data ?? "") !== shown) text.textContent = shown;
  }

  function update(reasoning, isThinking) {
    if (!reasoning.startsWith(written)) counted = { length: 0, words: 0 };
    written = reasoning;
    const words = `${isThinking ? "Thinking" : "Reasoning"}, ${wordCount()} words`;
    if (summary.textContent !== words) summary.textContent = words;
    show();
  }

  // Counts what was added; a word that is still being written counts when its end is there.
  function wordCount() {
    const end = written.search(/\S*$/);
    const added = written.slice(counted.length, Math.max(counted.length, end));
    counted = { length: counted.length + added.length, words: counted.words + (added.match(/\S+/g)?.length ?? 0) };
    return counted.words + (end < written.length ? 1 : 0);
  }

  return { element, update };
}
