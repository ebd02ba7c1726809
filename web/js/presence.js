// Presence and typing: what this page sends about its user, and what it shows of others.

import { recordHeartbeat, setTyping } from "./api.js";
import { byId } from "./dom.js";

const HEARTBEAT_MS = 30_000;
const NOTIFY_INTERVAL_MS = 4_000;
const TYPING_TTL_SECONDS = 10; // longer than NOTIFY_INTERVAL_MS, so that typing goes on without gaps

// A hidden page sends no heartbeats, so its user soon becomes away.
export function startHeartbeat(inBackground) {
  const beat = () => document.hidden || inBackground(recordHeartbeat);
  beat();
  setInterval(beat, HEARTBEAT_MS);
  document.addEventListener("visibilitychange", beat);
}

// Sends when the user starts typing, every few seconds while typing, and when the user stops.
export function makeTypingNotifier() {
  let thread = null;
  let sentAt = 0;

  async function notify(conversation, root, seconds) {
    await setTyping(conversation, root, seconds).catch(() => {}); // transient: not worth an error
  }

  function onTyped(conversation, root, text) {
    if (!text.trim()) {
      if (thread === root) notify(conversation, root, 0);
      thread = null;
    } else if (thread !== root || Date.now() - sentAt >= NOTIFY_INTERVAL_MS) {
      thread = root;
      sentAt = Date.now();
      notify(conversation, root, TYPING_TTL_SECONDS);
    }
  }

  // The server ends the indicator when the message arrives.
  function onSent() {
    thread = null;
  }

  return { onTyped, onSent };
}

let expiryTimer = 0;

// Shows who is typing in a thread; names come from the messages that are loaded.
export function showTyping(state, root) {
  const now = performance.now();
  const typing = [...(state?.typing ?? [])].filter(
    ([, indicator]) => indicator.root === root && indicator.until > now,
  );
  clearTimeout(expiryTimer);
  if (typing.length) {
    const next = Math.min(...typing.map(([, indicator]) => indicator.until));
    expiryTimer = setTimeout(() => showTyping(state, root), next - now + 1);
  }
  const text = typingText(typing.map(([userId]) => nameOf(state, root, userId)));
  byId("writers").textContent = text;
  byId("writers").hidden = !text;
}

function nameOf(state, root, userId) {
  const messages = [...(state.trees.get(root)?.messages.values() ?? [])].map((entry) => entry.message);
  return messages.find((message) => message.author_user_id === userId)?.author_name ?? "Somebody";
}

function typingText(names) {
  if (names.length > 1) return `${names.length} people are writing …`;
  return names.length ? `${names[0]} is writing …` : "";
}
