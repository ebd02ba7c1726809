// What the user has read of a thread. Read means seen: the mark, a `seq`, moves over the longest run
// of messages that were seen, and a message that was skipped keeps it back. Own, deleted and
// unfinished messages: the first two count as seen; an answer in progress holds the mark.

export function newReading(readSeq, me) {
  return {
    me,
    readSeq,
    known: new Map(), // the messages above the mark, by seq: { id, path, isOwn, isStreaming }
    knownUpTo: readSeq, // every message up to this seq is known
    seen: new Map(), // those of others that were seen, by seq: true
    suspended: false, // after "mark unread from here", until the thread is opened again
  };
}

// Remembers a message above the mark; messages of events may come before the ones below them.
export function learn(reading, message) {
  if (!(message.seq > reading.readSeq)) return;
  reading.known.set(message.seq, {
    id: message.id,
    path: message.path,
    isOwn: message.author_user_id === reading.me || Boolean(message.deleted_at),
    isStreaming: Boolean(message.streaming),
  });
  if (message.deleted_at) reading.seen.delete(message.seq);
  while (reading.known.has(reading.knownUpTo + 1)) reading.knownUpTo += 1;
}

// Adds a page of the messages above `knownUpTo`, in the order of their seq. Between the messages of
// a page there may be no others, even if a number is missing.
export function learnPage(reading, messages) {
  for (const message of messages) learn(reading, message);
  const last = messages.at(-1);
  if (last) reading.knownUpTo = Math.max(reading.knownUpTo, last.seq);
  while (reading.known.has(reading.knownUpTo + 1)) reading.knownUpTo += 1;
}

// Counts a message as seen; returns whether that is news.
export function see(reading, message) {
  if (reading.suspended || message.seq <= reading.readSeq || reading.seen.has(message.seq)) return false;
  if (message.author_user_id === reading.me || message.deleted_at || message.streaming) return false;
  learn(reading, message);
  reading.seen.set(message.seq, true);
  return true;
}

// Whether a message is unread, also one above those that are known.
export function isUnread(reading, { seq, author_user_id: author, deleted_at: deletedAt }) {
  return seq > reading.readSeq && author !== reading.me && !deletedAt && !reading.seen.has(seq);
}

// The seq up to which everything was seen: where the server's mark may move.
export function markOf(reading) {
  if (reading.suspended) return reading.readSeq;
  let mark = reading.readSeq;
  for (const seq of [...reading.known.keys()].sort((a, b) => a - b)) {
    const message = reading.known.get(seq);
    const isRead = !message.isStreaming && (message.isOwn || reading.seen.has(seq));
    if (seq > reading.knownUpTo || !isRead) break;
    mark = seq;
  }
  return mark;
}

// The server's mark is here now; it moves back only by "mark unread from here".
export function setMark(reading, seq) {
  if (seq < reading.readSeq) {
    reading.known.clear();
    reading.seen.clear();
    reading.knownUpTo = seq;
  }
  reading.readSeq = seq;
  reading.knownUpTo = Math.max(reading.knownUpTo, seq);
  for (const known of [reading.known, reading.seen]) {
    for (const key of known.keys()) if (key <= seq) known.delete(key);
  }
}

// How many answers in progress are above the mark.
export function unfinishedCount(reading) {
  let count = 0;
  for (const { isOwn, isStreaming } of reading.known.values()) if (isStreaming && !isOwn) count += 1;
  return count;
}

// The unread messages that are known, in the order of the tree.
export function unreadMessages(reading) {
  return [...reading.known]
    .filter(([seq, message]) => !message.isOwn && !reading.seen.has(seq))
    .map(([seq, { id, path, isStreaming }]) => ({ seq, id, path, isStreaming }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
