// Inline Markdown as DOM nodes: code, emphasis, strikethrough, links. Text never becomes HTML. It
// covers what answers use; the server's rendering, which follows, has the last word.

const MAX_CHARACTERS = 10_000; // longer texts are shown as they are
const MAX_NESTING = 4;
const DELIMITERS = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "s"],
  ["*", "em"],
  ["_", "em"],
];
const LINK = /^\[([^[\]\n]{1,500})\]\((https?:\/\/[^\s()<>]{1,2000})\)/;
const SPECIAL = /[\\`*_~[\n]/;

export function renderInline(text, nesting = 0) {
  const fragment = document.createDocumentFragment();
  if (text.length > MAX_CHARACTERS || nesting > MAX_NESTING) {
    fragment.append(text);
    return fragment;
  }
  let plain = "";
  const flush = () => {
    if (plain) fragment.append(plain);
    plain = "";
  };
  for (let at = 0; at < text.length; ) {
    const next = text.slice(at).search(SPECIAL);
    if (next < 0) {
      plain += text.slice(at);
      break;
    }
    plain += text.slice(at, at + next);
    at += next;
    const span = spanAt(text, at, nesting);
    if (span.element) {
      flush();
      fragment.append(span.element);
    } else {
      plain += span.text;
    }
    at = span.end;
  }
  flush();
  return fragment;
}

// What begins at a special character: an element, or text.
function spanAt(text, at, nesting) {
  const character = text[at];
  if (character === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) {
    return { text: text[at + 1], end: at + 2 };
  }
  const span =
    character === "`"
      ? codeAt(text, at)
      : character === "["
        ? linkAt(text, at, nesting)
        : character === "\n"
          ? { element: document.createElement("br"), end: at + 1 }
          : emphasisAt(text, at, nesting);
  return span ?? { text: character, end: at + 1 };
}

function codeAt(text, at) {
  const fence = /^`+/.exec(text.slice(at))[0];
  const start = at + fence.length;
  let end = text.indexOf(fence, start);
  while (end >= 0 && text[end + fence.length] === "`") end = text.indexOf(fence, end + fence.length + 1);
  if (end < 0) return { text: fence, end: start };
  const element = document.createElement("code");
  const code = text.slice(start, end).replaceAll("\n", " ");
  element.textContent = /^ .*[^ ].* $/.test(code) ? code.slice(1, -1) : code;
  return { element, end: end + fence.length };
}

function linkAt(text, at, nesting) {
  const match = LINK.exec(text.slice(at, at + 2600));
  if (!match) return null;
  const element = document.createElement("a");
  element.href = match[2];
  element.rel = "noopener noreferrer nofollow";
  element.target = "_blank";
  element.append(renderInline(match[1], nesting + 1));
  return { element, end: at + match[0].length };
}

function emphasisAt(text, at, nesting) {
  const found = DELIMITERS.find(([delimiter]) => text.startsWith(delimiter, at));
  if (!found) return null;
  const [delimiter, tag] = found;
  const start = at + delimiter.length;
  const isWord = (character) => /[\p{L}\p{N}]/u.test(character ?? "");
  if (/\s/.test(text[start] ?? " ") || (delimiter.includes("_") && isWord(text[at - 1]))) return null;
  let end = text.indexOf(delimiter, start + 1);
  while (end >= 0 && (/\s/.test(text[end - 1]) || (delimiter === "*" && text[end + 1] === "*"))) {
    end = text.indexOf(delimiter, end + delimiter.length + (text[end + 1] === "*" ? 1 : 0));
  }
  if (end < 0 || (delimiter.includes("_") && isWord(text[end + delimiter.length]))) return null;
  const element = document.createElement(tag);
  element.append(renderInline(text.slice(start, end), nesting + 1));
  return { element, end: end + delimiter.length };
}
