// A conversation's events, over an EventSource that is replaced when the browser gives it up.

const TYPES = [
  "thread.new", "thread.activity", "message.new", "message.updated", "message.delta",
  "message.done", "membership.changed", "conversation.updated", "unread.update", "error",
  "presence.update", "typing.update",
  "stream.open", "stream.reset", "stream.closed",
];
const FINAL = new Set(["removed", "session_ended", "disabled", "deleted"]);
const LONGEST_WAIT = 30_000;
const HIDDEN_FOR_LONG = 60_000;

// `onEvent(event)`, `onState("connecting" | "live" | "lost")`; answers a function that stops it.
export function follow(conversationId, position, { onEvent, onState, onRefused }) {
  const feed = { position, misses: 0, source: null, timer: 0, over: false, hiddenAt: 0 };

  function close() {
    feed.source?.close();
    feed.source = null;
    clearTimeout(feed.timer);
  }

  function connect() {
    close();
    onState("connecting");
    const query = feed.position ? `?last_event_id=${encodeURIComponent(feed.position)}` : "";
    feed.source = new EventSource(`/api/stream/conversations/${conversationId}${query}`);
    for (const type of TYPES) feed.source.addEventListener(type, hear);
    feed.source.onerror = lost;
  }

  function hear(frame) {
    if (typeof frame.data !== "string" || !frame.data) return; // an error of the connection
    const event = JSON.parse(frame.data);
    if (event.type === "stream.open") {
      feed.misses = 0;
      onState("live");
    }
    if (event.type === "stream.closed" && FINAL.has(event.payload.reason)) stop();
    onEvent(event);
    if (frame.lastEventId) feed.position = frame.lastEventId;
  }

  // The browser tries again by itself, save after an error status: then we do, if it may help.
  async function lost() {
    if (feed.over) return;
    onState("lost");
    if (feed.source?.readyState !== EventSource.CLOSED) return;
    close();
    const longest = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(feed.misses, 10));
    feed.misses += 1;
    feed.timer = setTimeout(async () => {
      if (await onRefused()) connect();
    }, Math.random() * longest);
  }

  // A connection that slept with the machine may be dead and not know it.
  function shown() {
    if (document.hidden) feed.hiddenAt = Date.now();
    else if (!feed.over && Date.now() - feed.hiddenAt > HIDDEN_FOR_LONG) connect();
  }

  function stop() {
    feed.over = true;
    close();
    document.removeEventListener("visibilitychange", shown);
    window.removeEventListener("online", connect);
  }

  document.addEventListener("visibilitychange", shown);
  window.addEventListener("online", connect);
  connect();
  return stop;
}
