// One event stream for all tabs of a browser: browsers open six connections to a server at most.
// The tab that holds a lock reads the stream and passes the events on; when it goes, the next one
// takes over. Without locks or channels, as on a plain HTTP origin, each tab has a stream of its own.

import { makeAnswers } from "./answers.js";
import { follow, SILENCE_MS } from "./feed.js";

const CHECK_MS = 5_000;
const ALIVE_MS = 5_000; // the reader says at most this often that the stream is alive
const ASK_AFTER_MS = SILENCE_MS + 10_000;
const TAKE_OVER_AFTER_MS = ASK_AFTER_MS + 15_000;

// The arguments are those of `follow`; `userId` keeps the tabs of two users apart.
export function shareFeed(userId, { positions, onEvent, onState }) {
  const answers = makeAnswers();
  const deliver = (event) => {
    answers.apply(event);
    onEvent(event);
  };
  if (!navigator.locks || !window.BroadcastChannel) {
    return { answers, stop: follow({ positions, onEvent: deliver, onState }) };
  }
  const name = `rustygpt-stream:${userId}`;
  const channel = new BroadcastChannel(name);
  const tab = { reads: false, state: "connecting", heardAt: Date.now(), aliveAt: 0, checkedAt: Date.now() };

  function setState(state) {
    tab.state = state;
    onState(state);
  }

  function onAlive() {
    if (Date.now() - tab.aliveAt < ALIVE_MS) return;
    tab.aliveAt = Date.now();
    channel.postMessage({ kind: "alive" });
  }

  // Reads the stream until this tab is closed, or another one takes the lock away.
  function read() {
    tab.reads = true;
    tab.stopReading = follow({
      positions,
      onAlive,
      onEvent: (event) => {
        channel.postMessage({ kind: "event", event });
        deliver(event);
      },
      onState: (state) => {
        channel.postMessage({ kind: "state", state });
        setState(state);
      },
    });
    return new Promise(() => {});
  }

  async function queue() {
    const waiting = new AbortController();
    tab.waiting = waiting;
    try {
      await navigator.locks.request(name, { signal: waiting.signal }, read);
    } catch {
      if (!waiting.signal.aborted) onTakenAway();
    }
  }

  // Another tab took the lock, as this one had been silent: a frozen tab that wakes up.
  function onTakenAway() {
    tab.stopReading?.();
    tab.reads = false;
    tab.heardAt = Date.now();
    queue();
  }

  function takeOver() {
    tab.waiting.abort();
    tab.heardAt = Date.now();
    setState("lost");
    navigator.locks.request(name, { steal: true }, read).catch(onTakenAway);
  }

  channel.onmessage = ({ data: { kind, event, state } }) => {
    if (kind === "hello") {
      if (tab.reads) answerHello();
      return;
    }
    if (tab.reads) return;
    tab.heardAt = Date.now();
    if (kind === "event") deliver(event);
    if (kind === "state") setState(state);
  };

  // Sends a new tab the state of the connection, and the answers in progress so far.
  function answerHello() {
    channel.postMessage({ kind: "state", state: tab.state });
    for (const event of answers.list()) channel.postMessage({ kind: "event", event });
  }

  function check() {
    const silence = Date.now() - tab.heardAt;
    const slept = Date.now() - tab.checkedAt > 3 * CHECK_MS;
    tab.checkedAt = Date.now();
    if (tab.reads) return;
    if (slept) tab.heardAt = Date.now() - SILENCE_MS;
    else if (silence > TAKE_OVER_AFTER_MS) takeOver();
    else if (silence > ASK_AFTER_MS) channel.postMessage({ kind: "hello" });
  }

  const timer = setInterval(check, CHECK_MS);
  onState("connecting");
  queue();
  channel.postMessage({ kind: "hello" });
  return {
    answers,
    stop() {
      clearInterval(timer);
      tab.stopReading?.();
      channel.close();
    },
  };
}
