// Text files that are sent with a message: as code blocks below it, with their names.

import { byId, h, withoutOverrides } from "./dom.js";

const MAX_BYTES = 1 << 20; // what is larger does not fit into a message in any case
const MIN_PASTE_LINES = 20;
const MIN_PASTE_CHARACTERS = 2_000;

const NOT_TEXT = /[\0-\x08\x0e-\x1a\x1c-\x1f]/;

// The block of a file; its fence is longer than any in the file.
export function blockOf({ name, text }) {
  const longest = Math.max(2, ...(text.match(/`{3,}/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${name}:\n${fence}\n${text}\n${fence}`;
}

export const withAttachments = (content, files) => [content, ...files.map(blockOf)].filter(Boolean).join("\n\n");

// Whether a pasted text is so long that it may be a file rather.
export const isLongPaste = (text) =>
  text.length >= MIN_PASTE_CHARACTERS || text.replace(/\n$/, "").split("\n", MIN_PASTE_LINES + 1).length > MIN_PASTE_LINES;

// A file as `{ name, text }`; throws an Error with a sentence when it is no text.
export async function readFile(file) {
  const name = nameOf(file.name);
  if (file.size > MAX_BYTES) throw new Error(`${name} is too large for a message: ${file.size.toLocaleString("en")} bytes.`);
  const bytes = await file.arrayBuffer().catch(() => {
    throw new Error(`${name} cannot be read; a folder cannot be attached.`);
  });
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${name} is not a text file (UTF-8), and only text can be attached.`);
  }
  if (NOT_TEXT.test(text)) throw new Error(`${name} is not a text file, and only text can be attached.`);
  if (!text.trim()) throw new Error(`${name} is empty.`);
  return { name, text: text.replace(/\r\n?/g, "\n").trimEnd() };
}

// One line without what could look like markup or change its direction.
const nameOf = (name) => withoutOverrides(name).replace(/[\p{Cc}`\n]/gu, "").trim().slice(0, 100) || "file";

// The attached files above the composer's text; `onChange()` is called when the user removes one.
export function makeAttachments(onChange) {
  const list = byId("attachments");
  let files = [];

  function set(changed) {
    files = changed;
    list.hidden = !files.length;
    list.replaceChildren(...files.map(chipOf));
  }

  function chipOf(file) {
    const remove = () => {
      set(files.filter((other) => other !== file));
      onChange();
    };
    const words = `${file.name}, ${[...file.text].length.toLocaleString("en")} characters`;
    const button = h("button", { type: "button", class: "plain", "aria-label": `Remove ${file.name}`, onclick: remove }, "✕");
    return h("li", { class: "chip" }, h("span", { dir: "auto" }, words), button);
  }

  return { set, add: (file) => set([...files, file]), files: () => files };
}
