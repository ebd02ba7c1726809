// Where the next message goes: state that is shown, not derived when it is sent. It follows the view
// while the composer is empty; from the first character on only the user changes it.

// `message` is the message that is answered, or null; `pendingKey` stands in for the user's own
// message that is still being sent; `newer` arrived while the target was frozen.
export function newTarget(saved = null) {
  return {
    message: saved?.message ?? null,
    isChosen: Boolean(saved?.isChosen),
    isFrozen: Boolean(saved?.message),
    pendingKey: null,
    newer: null,
  };
}

// What a draft keeps of a message.
export function referenceTo(message) {
  const { id, root_id, path, seq, depth, role, author_name, author_user_id, content } = message;
  const { deleted_at, deleted_by } = message;
  return {
    ...{ id, root_id, path, seq, depth, role, author_name, author_user_id, deleted_at, deleted_by },
    content: content.slice(0, 200),
  };
}

// The view proposes the end of the branch that is being read; returns whether the target changed.
export function followView(target, message) {
  const isKept = target.message && (target.isChosen || target.isFrozen);
  if (isKept || target.pendingKey || !message) return false;
  const isSame = target.message?.id === message.id && target.message.content === message.content && isRunning(target.message) === isRunning(message);
  if (!isSame) target.message = message;
  return !isSame;
}

const isRunning = (message) => Boolean(message.streaming);

// The message as it is now: its text may be another one, complete, or deleted. Returns whether that is news.
export function refresh(target, message) {
  const { content, deleted_at: deletedAt } = referenceTo(message);
  const known = target.message?.content?.slice(0, 200);
  if (target.message?.id !== message.id) return false;
  if (known === content && target.message.deleted_at === deletedAt && isRunning(target.message) === isRunning(message)) return false;
  target.message = message;
  return true;
}

export function choose(target, message) {
  Object.assign(target, { message, isChosen: true, pendingKey: null, newer: null });
}

// Gives an explicit choice back to the view.
export function unchoose(target) {
  target.isChosen = false;
}

export function setHasText(target, hasText) {
  target.isFrozen = hasText;
  if (!hasText) target.newer = null;
}

// A message of somebody else arrived in the thread: a frozen target stays, with a hint.
export function onArrival(target, message, isOwn) {
  if (!target.isFrozen || isOwn || target.pendingKey || message.id === target.message?.id) return false;
  if (target.newer && target.newer.seq >= message.seq && target.newer.id !== message.id) return false;
  target.newer = message;
  return true;
}

export function chooseNewer(target) {
  if (target.newer) choose(target, target.newer);
}

// The message was handed over: the next one goes to it, or to the answer that it starts.
export function onSent(target, key) {
  Object.assign(target, { isChosen: false, isFrozen: false, pendingKey: key, newer: null });
}

export function onAcknowledged(target, key, message) {
  if (target.pendingKey !== key) return false;
  Object.assign(target, { message, pendingKey: null });
  return true;
}

// The thread is one chain, and the target is its end: nothing else could be meant.
export function isPlain(target, isGroup, hasMore, lastId) {
  const { message } = target;
  const isEnd = Boolean(message) && !hasMore && message.id === lastId && message.seq === message.depth;
  return isEnd && !isGroup && !target.newer;
}
