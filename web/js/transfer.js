// Exporting a conversation as a download, and importing conversations from a file.

import * as api from "./api.js";
import { closeDialog, showDialog, showForm, titleOf } from "./dialog.js";
import { h, notify, withoutOverrides } from "./dom.js";

const LINKED_MAX = 20;
const FORMATS = [
  ["jsonl", "JSON Lines, to import it again"],
  ["json", "JSON, one document"],
  ["markdown", "Markdown, to read it"],
];

// Shows the links that download a conversation; the browser shows how far a download is.
export async function showExport({ id, title }) {
  try {
    await api.me(); // refreshes the session: a download cannot
  } catch (problem) {
    notify(problem.message);
    return;
  }
  const links = FORMATS.map(([format, words]) =>
    h("li", {}, h("a", { href: api.exportPath(id, format), download: "" }, words)),
  );
  const close = h("button", { type: "button", class: "plain", onclick: closeDialog }, "Close");
  const name = h("p", { dir: "auto" }, withoutOverrides(title));
  showDialog(
    h("div", {}, titleOf("Export this conversation"), name, h("ul", {}, ...links), h("p", { class: "buttons" }, close)),
    links[0].firstElementChild,
  );
}

// Asks for a file and sends it; closing the dialog cancels that. Then it links to the new conversations,
// after `onImported()`.
export function showImport(onImported) {
  const cancelling = new AbortController();
  const file = h("input", { type: "file", name: "file", "aria-label": "File", accept: ".json,.jsonl", required: "" });
  const progress = h("progress", { max: "1", "aria-label": "Sent", hidden: "" });
  showForm({
    title: "Import conversations",
    words: "A file exported by RustyGPT, ChatGPT (conversations.json) or Open WebUI.",
    parts: [file, progress],
    button: "Import",
    onClose: () => cancelling.abort(),
    async submit() {
      progress.hidden = false;
      try {
        const onProgress = (share) => (progress.value = share);
        const result = await api.importConversations(file.files[0], onProgress, cancelling.signal);
        onImported();
        showResult(result);
      } finally {
        progress.hidden = true;
      }
    },
  });
}

function showResult(result) {
  const links = result.conversations.slice(0, LINKED_MAX).map(({ conversation_id: id, title }) =>
    h("li", {}, h("a", { href: `#/c/${id}`, dir: "auto", onclick: closeDialog }, withoutOverrides(title))),
  );
  const close = h("button", { type: "button", class: "plain", onclick: closeDialog }, "Close");
  const words = h("p", { role: "status" }, wordsOf(result));
  showDialog(h("div", {}, titleOf("Imported"), words, h("ul", {}, ...links), h("p", { class: "buttons" }, close)), close);
}

function wordsOf({ conversations, messages, left_out: leftOut }) {
  const noun = conversations.length === 1 ? "conversation" : "conversations";
  const words = `Imported ${conversations.length} ${noun} with ${messages} messages.`;
  const parts = leftOut.map(({ what, count }) => `${what} (${count})`);
  return parts.length ? `${words} Left out or changed: ${parts.join(", ")}.` : words;
}
