// The event stream of all conversations, over one `fetch` that is opened again whenever it ends.
// Reading it by `fetch` shows heartbeats, which an EventSource hides: silence is noticed.

import { listConversations, me, openStream } from "./api.js";
import { makeParser } from "./sse.js";

export const SILENCE_MS = 50_000; // 2.5 heartbeats of the server
const CHECK_MS = 5_000;
const SLEEP_MS = 15_000; // a timer of CHECK_MS that is this late: the machine slept
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
const POLL_MS = 3_000;
const POLLS_UNCHANGED_MAX = 10; // after as many polls without a change, presence is fetched again
const FINAL_REASONS = new Set(["session_ended", "disabled"]);

// Calls `onEvent(event)`, `onAlive()` whenever something arrives, and `onState(…)` with
// "connecting", "live", "polling" (the server has no streams), "lost", "offline" or "signed-out".
// `positions()` returns pairs of a conversation and the last event id. Returns a function that stops
// the feed.
export function follow({ positions, onEvent, onState, onAlive = () => {} }) {
  const feed = { failures: 0, retryMs: 0, request: null, timer: 0, stopped: false, heardAt: Date.now() };

  function heard() {
    feed.heardAt = Date.now();
    onAlive();
  }

  function close() {
    feed.request?.abort();
    feed.request = null;
    clearTimeout(feed.timer);
  }

  async function connect() {
    close();
    if (feed.stopped) return;
    const request = new AbortController();
    feed.request = request;
    onState("connecting");
    heard();
    try {
      await read(request);
    } catch {
      // The connection broke, or this aborted it.
    }
    if (feed.request === request && !feed.stopped) await onEnd();
  }

  async function read(request) {
    const response = await openStream(positions(), request.signal);
    feed.status = response.status;
    feed.retryMs = 1000 * Number(response.headers.get("retry-after") ?? 0) || feed.retryMs;
    if (response.status === 404) return poll(request);
    if (!response.ok || !response.body) return;
    const push = makeParser({
      onEvent: ({ data }) => onFrame(JSON.parse(data)),
      onRetry: (milliseconds) => {
        feed.retryMs = Math.min(milliseconds, MAX_BACKOFF_MS);
      },
    });
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || feed.request !== request) return;
      heard();
      push(decoder.decode(value, { stream: true }));
    }
  }

  // A server without streams: asks for the list, and passes on where each conversation is.
  async function poll(request) {
    onState("polling");
    let known = "";
    for (let unchanged = 0; feed.request === request; unchanged += 1) {
      const { conversations } = await listConversations({ limit: 200 });
      heard();
      const current = JSON.stringify(conversations);
      if (current !== known || unchanged === POLLS_UNCHANGED_MAX) {
        known = current;
        unchanged = 0;
        const positions = Object.fromEntries(conversations.map((one) => [one.id, one.last_event_id]));
        onEvent({ type: "stream.open", payload: { positions } });
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  function onFrame(event) {
    if (event.type === "stream.open") {
      feed.failures = 0;
      onState("live");
    }
    onEvent(event);
    if (event.type === "stream.closed" && FINAL_REASONS.has(event.payload.reason)) onSignedOut();
  }

  function onSignedOut() {
    stop();
    onState("signed-out");
  }

  // A 401 may only mean that the session has to be refreshed, which any other request does.
  async function onEnd() {
    feed.request = null;
    onState(navigator.onLine ? "lost" : "offline");
    if (feed.status === 401 && (await isSignedOut())) return onSignedOut();
    const backoff = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(feed.failures, 10));
    feed.failures += 1;
    feed.timer = setTimeout(connect, feed.retryMs + Math.random() * backoff);
  }

  async function isSignedOut() {
    try {
      await me();
      return false;
    } catch (problem) {
      return problem.status === 401;
    }
  }

  let checkedAt = Date.now();

  function check() {
    const slept = Date.now() - checkedAt > SLEEP_MS;
    checkedAt = Date.now();
    const silence = Date.now() - feed.heardAt;
    if (feed.request && silence > (slept ? SILENCE_MS / 2 : SILENCE_MS)) {
      onState("lost");
      connect();
    }
  }

  function onOnline() {
    feed.failures = 0;
    connect();
  }

  function onOffline() {
    close();
    onState("offline");
  }

  function stop() {
    feed.stopped = true;
    close();
    clearInterval(checkTimer);
    window.removeEventListener("online", onOnline);
    window.removeEventListener("offline", onOffline);
    document.removeEventListener("visibilitychange", check);
  }

  const checkTimer = setInterval(check, CHECK_MS);
  window.addEventListener("online", onOnline);
  window.addEventListener("offline", onOffline);
  document.addEventListener("visibilitychange", check);
  connect();
  return stop;
}
