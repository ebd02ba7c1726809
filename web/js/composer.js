// Where a message is written: drafts by place, one key for each message so that a retry is safe.

import { newKey, post } from "./api.js";
import { byId } from "./dom.js";

// `place()` tells where a message goes: `{ id, path }`, or null when nowhere.
export function makeComposer({ place, onPosted, onTyped }) {
  const text = byId("text");
  const attempt = { content: "", path: "", key: "" };
  let at = null;
  let target = null;
  let sending = false;

  const draftName = (id) => `draft:${id}`;

  function open(id) {
    at = id;
    text.value = (id && sessionStorage.getItem(draftName(id))) || "";
    byId("composer-error").textContent = "";
    aim(null);
    fit();
  }

  function aim(message) {
    target = message;
    byId("target").hidden = !message;
    if (message) {
      const author = message.author_name || message.role;
      byId("target-words").textContent = `Answering ${author}: ${message.content.slice(0, 80)}`;
      text.focus();
    }
  }

  // Browsers without `field-sizing` get the height from here.
  function fit() {
    if (CSS.supports("field-sizing", "content")) return;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  }

  async function send() {
    const content = text.value.trimEnd();
    const where = place(target);
    if (!content.trim() || !where || sending) return;
    if (attempt.content !== content || attempt.path !== where.path) {
      Object.assign(attempt, { content, path: where.path, key: newKey() });
    }
    const draft = at;
    sending = true;
    byId("send").disabled = true;
    byId("composer-error").textContent = "";
    try {
      const posted = await post(where.path, { content }, attempt.key);
      attempt.key = attempt.content = "";
      sessionStorage.removeItem(draftName(draft));
      if (at === draft) {
        text.value = "";
        aim(null);
        fit();
      }
      onPosted(posted);
    } catch (problem) {
      byId("composer-error").textContent = problem.message;
    } finally {
      sending = false;
      byId("send").disabled = false;
    }
  }

  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  text.addEventListener("input", () => {
    if (at) sessionStorage.setItem(draftName(at), text.value);
    fit();
    onTyped(text.value);
  });
  byId("target-off").addEventListener("click", () => aim(null));
  return { open, aim, focus: () => text.focus() };
}
