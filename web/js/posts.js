// Posts on their way: each is one frozen object of place, target, text and idempotency key from its
// first attempt until the server acknowledges it, so that a repeated attempt is the same request. The
// posts of a place are sent one after the other. One that was written while another was on its way
// answers that one (`after`, its key) or the answer that it starts; it is held until that is known.

import * as api from "./api.js";
import { loadPosts, removePost, savePost } from "./drafts.js";

const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

const TAKEN_BACK = "The message before this one was taken back.";
const LOST = "The message before this one is no longer here: take this one back to send it.";

// `onChange(entry)` reports a new state of a post; `onAcknowledged(entry, posted, place)` the server's
// response and where the post was written, after which it is shown until its message is.
export function makePosts({ me, onChange, onAcknowledged }) {
  const pending = new Map(); // by key, oldest first: { post, state, problem, posted, failures, timer }

  function add(post, state) {
    const entry = { post, state, problem: "", posted: null, failures: 0, timer: 0 };
    pending.set(post.key, entry);
    return entry;
  }

  // Sends a message, or holds it; with neither a target nor `after` it is the first one of a thread.
  function submit({ conversationId, place, target, after, content, model }) {
    const post = Object.freeze({
      ...{ key: api.newKey(), authorId: me.id, conversationId, place, target, after, content, model },
      createdAt: Date.now(),
    });
    savePost(me.id, post);
    const entry = add(post, "queued");
    onChange(entry);
    sendNext(place);
    return post;
  }

  // A failed post holds back those that answer it, and no others.
  function sendNext(place) {
    let isFree = true;
    for (const entry of at(place)) {
      if (entry.state === "queued" && !entry.post.after && isFree) attempt(entry);
      if (["sending", "waiting"].includes(entry.state)) isFree = false;
    }
  }

  async function attempt(entry) {
    const { key, conversationId, target, content, model } = entry.post;
    clearTimeout(entry.timer);
    entry.state = "sending";
    onChange(entry);
    try {
      entry.posted = target
        ? await api.reply(target.id, content, key, model)
        : await api.postRoot(conversationId, content, key, model);
    } catch (problem) {
      if (pending.has(key)) onProblem(entry, problem);
      return;
    }
    if (!pending.has(key)) return;
    entry.state = "sent";
    const { place } = entry.post;
    moveToThread(entry);
    setTarget(entry);
    removePost(me.id, key);
    onAcknowledged(entry, entry.posted, place);
    sendNext(entry.post.place);
  }

  function change(entry, values) {
    entry.post = Object.freeze({ ...entry.post, ...values });
    if (entry.state !== "sent") savePost(me.id, entry.post);
  }

  // The thread of a first message is there: what was written after it belongs to that.
  function moveToThread(sent) {
    if (sent.post.target) return;
    const isAfter = (entry) => entry === sent || leadsTo(entry, sent);
    for (const entry of at(sent.post.place).filter(isAfter)) change(entry, { place: sent.posted.root_id });
  }

  function leadsTo({ post: { after } }, entry) {
    return after === entry.post.key || (pending.has(after) && leadsTo(pending.get(after), entry));
  }

  // Those that answer the message go to its answer, if one begins, else to itself.
  function setTarget({ post: { key, content }, posted }) {
    const { root_id, message_id, answer_id } = posted;
    const author = { role: "user", author_name: me.username, author_user_id: me.id };
    const target = answer_id
      ? { id: answer_id, root_id, role: "assistant", content: "" }
      : { id: message_id, root_id, ...author, content: content.slice(0, 200) };
    for (const entry of followersOf(key)) change(entry, { target, after: null });
  }

  const followersOf = (key) => [...pending.values()].filter(({ post }) => post.after === key);

  // A lost response or a busy server: the same request again, a little later. Anything else is the
  // user's to decide.
  function onProblem(entry, problem) {
    entry.problem = problem.message;
    entry.failures += 1;
    entry.state = problem.isTemporary ? "waiting" : "failed";
    if (problem.isTemporary) {
      const delay = Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** (entry.failures - 1));
      const wait = Math.max(problem.retryAfterMs ?? 0, delay * (0.5 + Math.random() / 2));
      entry.timer = setTimeout(() => retry(entry.post.key), wait);
    }
    onChange(entry);
    sendNext(entry.post.place);
  }

  function retry(key) {
    const entry = pending.get(key);
    if (!entry || !["waiting", "failed"].includes(entry.state) || entry.post.after) return;
    entry.state = "queued";
    onChange(entry);
    sendNext(entry.post.place);
  }

  // Ends a post whose message is shown.
  function remove(key) {
    const entry = pending.get(key);
    clearTimeout(entry?.timer);
    pending.delete(key);
    removePost(me.id, key);
    return entry;
  }

  // Ends a post that the user does not want to send. Those that answer it are not sent by themselves:
  // what they go to is another message now.
  function takeBack(key) {
    const { post } = pending.get(key) ?? {};
    for (const entry of post ? followersOf(key) : []) {
      change(entry, { target: post.target, after: post.after });
      Object.assign(entry, { state: "failed", problem: TAKEN_BACK });
    }
    const entry = remove(key);
    if (entry) sendNext(post.place);
    return entry;
  }

  // The connection is back: whatever waits is tried now.
  function retryAll() {
    for (const { post, state } of pending.values()) if (state === "waiting") retry(post.key);
  }

  // The posts of an earlier visit.
  function resume() {
    for (const { isExpired, ...post } of loadPosts(me.id)) {
      if (pending.has(post.key)) continue;
      const entry = add(Object.freeze(post), isExpired ? "failed" : "queued");
      if (isExpired) entry.problem = "This message was not sent in time.";
    }
    for (const entry of pending.values()) {
      const { after } = entry.post;
      if (after && !pending.has(after)) Object.assign(entry, { state: "failed", problem: LOST });
    }
    for (const { post } of [...pending.values()]) sendNext(post.place);
  }

  const at = (place) => [...pending.values()].filter(({ post }) => post.place === place);
  const isStuck = (entry) => entry?.state === "failed" || (entry?.post.after && isStuck(pending.get(entry.post.after)));
  // The last message that is on its way at a place, or null.
  const lastKey = (place) =>
    at(place).findLast((entry) => entry.state !== "sent" && !isStuck(entry))?.post.key ?? null;
  return { submit, retry, retryAll, remove, takeBack, resume, at, lastKey };
}
