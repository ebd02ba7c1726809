// The composer: drafts by target, and one idempotency key per message so that a retry is safe.

import { newKey } from "./api.js";
import { byId } from "./dom.js";

// `destination(replyTarget)` returns where a message goes, `{ id, send(content, key) }`, or null.
export function makeComposer({ destination, onPosted, onTyped }) {
  const text = byId("text");
  const pending = { content: "", destinationId: "", key: "" };
  let draftId = null;
  let replyTarget = null;
  let sending = false;

  const draftName = (id) => `draft:${id}`;

  function open(id) {
    draftId = id;
    text.value = (id && sessionStorage.getItem(draftName(id))) || "";
    byId("composer-error").textContent = "";
    setReplyTarget(null);
    fitHeight();
  }

  function setReplyTarget(message) {
    replyTarget = message;
    byId("target").hidden = !message;
    if (message) {
      const author = message.author_name || message.role;
      byId("target-words").textContent = `Answering ${author}: ${message.content.slice(0, 80)}`;
      text.focus();
    }
  }

  // For browsers without `field-sizing`.
  function fitHeight() {
    if (CSS.supports("field-sizing", "content")) return;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  }

  // A message that failed keeps its key as long as its text and destination stay the same.
  function keyFor(content, destinationId) {
    if (pending.content !== content || pending.destinationId !== destinationId) {
      Object.assign(pending, { content, destinationId, key: newKey() });
    }
    return pending.key;
  }

  async function send() {
    const content = text.value.trimEnd();
    const target = destination(replyTarget);
    if (!content.trim() || !target || sending) return;
    const sentDraft = draftId;
    setSending(true);
    byId("composer-error").textContent = "";
    try {
      const posted = await target.send(content, keyFor(content, target.id));
      Object.assign(pending, { content: "", key: "" });
      sessionStorage.removeItem(draftName(sentDraft));
      if (draftId === sentDraft) {
        text.value = "";
        setReplyTarget(null);
        fitHeight();
      }
      onPosted(posted);
    } catch (problem) {
      byId("composer-error").textContent = problem.message;
    } finally {
      setSending(false);
    }
  }

  function setSending(value) {
    sending = value;
    byId("send").disabled = value;
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
    if (draftId) sessionStorage.setItem(draftName(draftId), text.value);
    fitHeight();
    onTyped(text.value);
  });
  byId("target-off").addEventListener("click", () => setReplyTarget(null));
  return { open, setReplyTarget, focus: () => text.focus() };
}
