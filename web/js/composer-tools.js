// Beside the composer's text: files that are attached to a message, and the model that answers it.
// Files come by a button, by dropping or pasting them; a long paste may become one.

import { isLongPaste, readFile } from "./attachments.js";
import { byId, hide } from "./dom.js";
import { defaultWords, fillModels, listModels } from "./models.js";

const MAX_PROBLEMS = 3; // sentences that are shown, of several files

// `attach(file)` adds a file of `{ name, text }` or throws; `onProblem(words)` shows why.
export function makeComposerTools({ attach, onProblem }) {
  const text = byId("text");
  const input = byId("attach-file");
  const offer = byId("attach-paste");
  const select = byId("next-model");
  let pasted = null;

  async function attachAll(files) {
    const problems = [];
    for (const file of files) {
      try {
        attach(await readFile(file));
      } catch (problem) {
        problems.push(problem.message);
      }
    }
    const more = problems.length - MAX_PROBLEMS;
    const rest = more > 0 ? [`${more} more ${more === 1 ? "file is" : "files are"} not attached.`] : [];
    onProblem([...problems.slice(0, MAX_PROBLEMS), ...rest].join(" "));
    text.focus();
  }

  // The offer stands while the pasted text is there as it was pasted.
  function showOffer() {
    const isThere = pasted !== null && text.value.includes(pasted);
    if (!isThere) pasted = null;
    hide(offer, !isThere, text);
  }

  function onPaste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    const words = event.clipboardData?.getData("text/plain") ?? "";
    if (files.length && !words) {
      event.preventDefault();
      return attachAll(files);
    }
    pasted = isLongPaste(words) ? words.replace(/\r\n?/g, "\n") : null;
  }

  // The text is replaced as if it were typed, so that it can be undone.
  function attachPasted() {
    const start = text.value.indexOf(pasted);
    try {
      attach({ name: "pasted.txt", text: pasted.replace(/^\n+|\s+$/g, "") }, pasted.length);
    } catch (problem) {
      return onProblem(problem.message);
    }
    text.focus();
    text.setSelectionRange(start, start + pasted.length);
    document.execCommand("delete");
    pasted = null;
    showOffer();
  }

  function onDrop(event) {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    attachAll(files);
  }

  // Offers the models for one message where there are several, and where the assistant answers.
  async function showModels({ assistant_mode: mode, model }) {
    const models = mode === "off" ? [] : await listModels();
    const inherited = model ? `The conversation's model (${model})` : defaultWords(models);
    fillModels(select, models, { value: select.value, inherited });
    hide(select, models.length < 2, text);
  }

  byId("attach").addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    await attachAll([...input.files]);
    input.value = "";
  });
  offer.addEventListener("click", attachPasted);
  text.addEventListener("paste", onPaste);
  text.addEventListener("input", showOffer);
  byId("composer").addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  byId("composer").addEventListener("drop", onDrop);

  // The chosen model, once: the next message goes to the usual one again.
  function takeModel() {
    const { value } = select;
    select.value = "";
    return value || undefined;
  }

  return { showModels, takeModel, showOffer };
}
