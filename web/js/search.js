// The search: a dialog with a field, and what was found, by conversation. What people wrote is text,
// also where it was found: no part of it is ever read as HTML.

import { linkedHash } from "./address.js";
import { searchMessages } from "./api.js";
import { closeDialog, showDialog, titleOf } from "./dialog.js";
import { formatTime, h, withoutMarkup, withoutOverrides } from "./dom.js";

const MAX_REQUESTS = 10; // for one page: what a request looks at is bounded, and may be without a hit
const HELP = 'Words, "words in order", begin*, -without; in: from: has:code before: after:';

// `onOpen(hash)` shows an address of the page.
export function showSearch(onOpen) {
  let text = "";
  let cursor = null;
  let latest = 0; // increases with each search, so that a late response is dropped
  let count = 0;
  const field = h("input", {
    ...{ type: "search", "aria-label": "Search messages", maxlength: "500", autocomplete: "off", dir: "auto" },
    placeholder: "Words, or the link of a message",
  });
  const status = h("p", { class: "quiet", role: "status" }, HELP);
  const error = h("p", { class: "error", role: "alert" });
  const list = h("ul", { class: "hits" });
  const more = h("button", { type: "button", class: "plain", hidden: true, onclick: () => find() }, "Search further back");
  const close = h("button", { type: "button", class: "plain", onclick: closeDialog }, "Close");
  const send = h("button", { type: "submit", class: "primary" }, "Search");
  const form = h("form", { class: "search" }, field, send);
  form.addEventListener("submit", onSubmit);

  function onSubmit(event) {
    event.preventDefault();
    error.textContent = "";
    const linked = linkedHash(field.value, location.origin);
    if (linked?.hash) return open(linked.hash);
    if (linked) {
      error.textContent = `This link is of ${linked.origin}, and this page is of ${location.origin}.`;
      return;
    }
    text = field.value;
    cursor = null;
    count = 0;
    list.replaceChildren();
    find();
  }

  function open(hash) {
    closeDialog();
    onOpen(hash);
  }

  // Adds the next page to what was found.
  async function find() {
    latest += 1;
    const current = latest;
    status.textContent = "Searching …";
    more.hidden = true;
    try {
      const { hits, isComplete } = await nextHits(current);
      if (current === latest) show(hits, isComplete);
    } catch (problem) {
      if (problem.status === undefined) throw problem; // a defect of the page
      if (current !== latest) return;
      status.textContent = HELP;
      more.hidden = !cursor;
      error.textContent = problem.message;
    }
  }

  async function nextHits(current) {
    for (let request = 1; ; request += 1) {
      const page = await searchMessages(text, { cursor });
      if (current !== latest) return { hits: [], isComplete: true };
      cursor = page.next_cursor ?? null;
      if (page.hits.length || !cursor || request === MAX_REQUESTS) return { hits: page.hits, isComplete: page.complete };
    }
  }

  function show(hits, isComplete) {
    count += hits.length;
    const missing = isComplete ? "" : " Not all was searched: name a conversation with in:, or wait until new messages are indexed.";
    status.textContent = (count ? `${count}${cursor ? "+" : ""} found.` : "Nothing was found.") + missing;
    for (const hit of hits) addHit(hit);
    more.hidden = !cursor;
  }

  function addHit(hit) {
    const title = withoutOverrides(hit.conversation_title);
    if (list.lastElementChild?.dataset.conversation !== hit.message.conversation_id) {
      list.append(h("li", { class: "place" }, h("h3", { dir: "auto" }, title)));
    }
    const { id, root_id: root, conversation_id: conversation } = hit.message;
    const hash = `#/c/${conversation}/t/${root}/m/${id}`;
    const onclick = (event) => {
      event.preventDefault();
      open(hash);
    };
    const row = h("li", {}, h("a", { href: hash, onclick }, ...wordsOf(hit)));
    row.dataset.conversation = conversation;
    list.append(row);
  }

  const content = h("div", {}, titleOf("Search"), form, status, error, list, more, h("p", { class: "buttons" }, close));
  showDialog(content, field);
}

// Who wrote it, when and where; and the text, with what was found.
function wordsOf({ message, thread_excerpt: thread, highlight }) {
  const author = message.role === "user" ? message.author_name || "(deleted account)" : message.role;
  const facts = [author, formatTime(message.created_at), withoutMarkup(thread).slice(0, 60)].map(withoutOverrides);
  const parts = highlight.map(({ text, is_match: isMatch }) => {
    const words = withoutOverrides(text);
    return isMatch ? h("mark", {}, words) : words;
  });
  return [h("span", { class: "quiet", dir: "auto" }, facts.join(" · ")), h("span", { dir: "auto" }, ...parts)];
}
