// Single messages that the open thread needs: the HTML of those that came as events, and parents
// that are not loaded. A few requests at a time, and a bounded memory.

import { getMessage } from "./api.js";

const MAX_REQUESTS = 3;
const MAX_FETCHED = 500;

export function makeFetcher({ inBackground, onFetched }) {
  const fetched = new Map(); // messages by id
  const asked = new Map(); // what a message was fetched for, by id: not twice for the same
  const waiting = new Set();
  let requests = 0;

  function request(id, reason) {
    if (asked.get(id) === reason) return;
    asked.set(id, reason);
    waiting.add(id);
    next();
  }

  function next() {
    const [id] = waiting;
    if (!id || requests >= MAX_REQUESTS) return;
    waiting.delete(id);
    requests += 1;
    inBackground(async () => {
      try {
        keep(await getMessage(id));
      } catch (problem) {
        if (problem.isTemporary) asked.delete(id);
        throw problem;
      } finally {
        requests -= 1;
        next();
      }
    });
  }

  function keep(message) {
    fetched.set(message.id, message);
    if (fetched.size > MAX_FETCHED) forget(fetched.keys().next().value);
    onFetched();
  }

  // Returns whether the message was known: what was fetched of it is not true any more.
  function forget(id) {
    asked.delete(id);
    return fetched.delete(id);
  }

  // A message by id, for the parts of it that were fetched.
  function get(id) {
    if (!fetched.has(id)) request(id, "");
    return fetched.get(id) ?? { id };
  }

  // The HTML of a message as it is now, or undefined until it is fetched.
  function htmlOf(message) {
    if (message.html !== undefined || message.streaming || message.deleted_at) return message.html;
    const known = fetched.get(message.id);
    if (known?.content === message.content) return known.html;
    request(message.id, message.content);
    return undefined;
  }

  return { get, htmlOf, forget };
}
