// The part of a thread that is loaded: one unbroken run of messages in the order of the tree, with
// a cursor at each end where the thread continues. Entries are `{ message, number }`, with the
// number of the event that the message is as of.

export function newWindow() {
  return { messages: new Map(), order: [], prev: null, next: null };
}

export const messageAt = (view, index) => view.messages.get(view.order[index])?.message;

// The index of the first message whose path is not before `path`: paths are ASCII, and their byte
// order is the order of the tree.
export function indexOfPath(view, path) {
  let low = 0;
  let high = view.order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messageAt(view, middle).path < path) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function indexOfMessage(view, id) {
  const entry = view.messages.get(id);
  return entry ? indexOfPath(view, entry.message.path) : -1;
}

// Whether a message with this path belongs to the run, so that nothing is missing around it.
export function covers(view, path) {
  if (!view.order.length) return !view.prev && !view.next;
  const afterStart = !view.prev || path >= messageAt(view, 0).path;
  const beforeEnd = !view.next || path <= messageAt(view, view.order.length - 1).path;
  return afterStart && beforeEnd;
}

// Adds or replaces a message unless what is there is as of a later event.
export function put(view, message, number) {
  const known = view.messages.get(message.id);
  if (known?.number > number) return false;
  view.messages.set(message.id, { message, number });
  if (known) return true;
  const last = messageAt(view, view.order.length - 1);
  if (!last || last.path < message.path) view.order.push(message.id);
  else view.order.splice(indexOfPath(view, message.path), 0, message.id);
  return true;
}

// Adds a page at an end of the run ("prev" or "next").
export function extend(view, page, number, side) {
  const messages = side === "prev" ? page.messages.toReversed() : page.messages;
  for (const message of messages) put(view, message, number);
  if (side === "prev") view.prev = page.prev_cursor ?? null;
  else view.next = page.next_cursor ?? null;
}

// A new run of a page; messages of the earlier run that later events changed are kept.
export function windowOf(page, number, earlier) {
  const view = newWindow();
  for (const message of page.messages) put(view, message, number);
  view.prev = page.prev_cursor ?? null;
  view.next = page.next_cursor ?? null;
  for (const { message, number: later } of earlier?.messages.values() ?? []) {
    if (later > number && covers(view, message.path)) put(view, message, later);
  }
  return view;
}

// Whether the message is the end of a branch: what follows it is no answer to it.
export function isLeaf(view, index) {
  const next = messageAt(view, index + 1);
  return next ? next.parent_id !== view.order[index] : !view.next;
}

// The last message of the branch that goes on by first replies, or null where that is not loaded.
export function chainEnd(view, index) {
  let end = index;
  while (end < view.order.length && !isLeaf(view, end)) end += 1;
  return messageAt(view, end) ?? null;
}

// The index after the last loaded message of the branch that begins at `index`.
export function endOfBranch(view, index) {
  const { depth } = messageAt(view, index);
  let end = index + 1;
  while (end < view.order.length && messageAt(view, end).depth > depth) end += 1;
  return end;
}

// Forgets messages at the other end of the run than the one that grew; the run then continues there.
export function forgetFar(view, grownSide, maximum) {
  const surplus = view.order.length - maximum;
  if (surplus <= 0) return;
  const gone = grownSide === "next" ? view.order.splice(0, surplus) : view.order.splice(maximum, surplus);
  for (const id of gone) view.messages.delete(id);
  if (grownSide === "next") view.prev = messageAt(view, 0).path;
  else view.next = messageAt(view, view.order.length - 1).path;
}
