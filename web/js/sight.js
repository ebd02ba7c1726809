// Which messages were seen: the first and the last line of a message were visible for a moment each,
// in a document that is visible and has the focus.

const MOMENT_MS = 500;
const CHECK_MS = 125;
const LINE_PX = 20;

// `rows()` returns the rows in the view as pairs of a message and an element; `onSeen(messages)` gets
// those that were seen just now.
export function makeSight(scroll, { rows, onSeen }) {
  let since = new Map(); // by message: when its first and last line came into view
  const complete = new WeakMap(); // by row: the edges that were visible long enough

  function check() {
    const now = performance.now();
    const isWatched = !document.hidden && document.hasFocus();
    const visible = new Map();
    const seen = [];
    for (const [message, row] of isWatched ? rows() : []) {
      const times = edgesInView(row, since.get(message.id) ?? {}, now);
      visible.set(message.id, times);
      const done = complete.get(row) ?? {};
      // An answer's end is seen only once it is the end.
      done.first ||= now - times.first >= MOMENT_MS;
      done.last ||= !message.streaming && now - times.last >= MOMENT_MS;
      complete.set(row, done);
      if (message.streaming) delete times.last;
      if (done.first && done.last) seen.push(message);
    }
    since = visible;
    if (seen.length) onSeen(seen);
  }

  function edgesInView(row, times, now) {
    const view = scroll.getBoundingClientRect();
    const { top, bottom } = row.getBoundingClientRect();
    const line = Math.min(LINE_PX, bottom - top);
    const hasFirst = top >= view.top - 1 && top + line <= view.bottom + 1;
    const hasLast = bottom <= view.bottom + 1 && bottom - line >= view.top - 1;
    return {
      ...(hasFirst && { first: times.first ?? now }),
      ...(hasLast && { last: times.last ?? now }),
    };
  }

  // Forgets what was in view: another thread is shown.
  function reset() {
    since = new Map();
  }

  // Whether the beginning of a row's message was seen.
  const sawStart = (row) => Boolean(complete.get(row)?.first);

  setInterval(check, CHECK_MS);
  return { reset, sawStart };
}
