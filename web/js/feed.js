// A conversation's events, over an EventSource that is replaced when the browser gives it up.

import { streamUrl } from "./api.js";
import { EVENT_TYPES } from "./store.js";

const FINAL_REASONS = new Set(["removed", "session_ended", "disabled", "deleted"]);
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
const LONG_HIDDEN_MS = 60_000;

// Calls `onEvent(event)` and `onState("connecting" | "live" | "lost")`. `shouldReconnect()` is asked
// after the browser gave up. Returns a function that stops the feed.
export function follow(conversationId, position, { onEvent, onState, shouldReconnect }) {
  const feed = { position, failures: 0, source: null, timer: 0, stopped: false, hiddenAt: 0 };

  function close() {
    feed.source?.close();
    feed.source = null;
    clearTimeout(feed.timer);
  }

  function connect() {
    close();
    onState("connecting");
    feed.source = new EventSource(streamUrl(conversationId, feed.position));
    for (const type of EVENT_TYPES) feed.source.addEventListener(type, onFrame);
    feed.source.onerror = onLost;
  }

  function onFrame(frame) {
    if (typeof frame.data !== "string" || !frame.data) return; // the connection's own `error`
    const event = JSON.parse(frame.data);
    if (event.type === "stream.open") {
      feed.failures = 0;
      onState("live");
    }
    if (event.type === "stream.closed" && FINAL_REASONS.has(event.payload.reason)) stop();
    onEvent(event);
    if (frame.lastEventId) feed.position = frame.lastEventId;
  }

  // The browser reconnects automatically, except after an error status: then this does.
  async function onLost() {
    if (feed.stopped) return;
    onState("lost");
    if (feed.source?.readyState !== EventSource.CLOSED) return;
    close();
    const maximum = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(feed.failures, 10));
    feed.failures += 1;
    feed.timer = setTimeout(async () => {
      if (await shouldReconnect()) connect();
    }, Math.random() * maximum);
  }

  // A connection may have died unnoticed while the page was hidden or the machine slept.
  function onVisibilityChange() {
    if (document.hidden) feed.hiddenAt = Date.now();
    else if (!feed.stopped && Date.now() - feed.hiddenAt > LONG_HIDDEN_MS) connect();
  }

  function stop() {
    feed.stopped = true;
    close();
    document.removeEventListener("visibilitychange", onVisibilityChange);
    window.removeEventListener("online", connect);
  }

  document.addEventListener("visibilitychange", onVisibilityChange);
  window.addEventListener("online", connect);
  connect();
  return stop;
}
