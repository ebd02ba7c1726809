// A parser of server-sent events (WHATWG HTML, section 9.2.6) that takes the text in any pieces.

const MAX_CHARACTERS = 8 << 20; // of one event: more is no stream of this server

// Calls `onEvent({ type, data })` for each event with data, and `onRetry(milliseconds)`. Returns a
// function that takes the next piece of the stream; it throws when an event grows beyond all bounds.
export function makeParser({ onEvent, onRetry }) {
  let rest = ""; // of a line that is not complete
  let size = 0;
  let type = "";
  let data = [];

  function onLine(line) {
    if (line === "") return dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") type = value;
    else if (field === "data") data.push(value);
    else if (field === "retry" && /^\d+$/.test(value)) onRetry(Number(value));
  }

  function dispatch() {
    if (data.length) onEvent({ type: type || "message", data: data.join("\n") });
    type = "";
    data = [];
    size = 0;
  }

  return function push(piece) {
    const text = rest + piece;
    // A carriage return at the end may be the first half of a line break.
    const end = text.endsWith("\r") ? text.length - 1 : text.length;
    const lines = text.slice(0, end).split(/\r\n|\n|\r/);
    rest = lines.pop() + text.slice(end);
    size += piece.length;
    if (size > MAX_CHARACTERS) throw new Error("An event is too long.");
    lines.forEach(onLine);
  };
}
