// The one dialog of the page: a form that stays open when it is refused, or something to read.

import { byId, h } from "./dom.js";
import { lastOpener } from "./menu.js";

export const closeDialog = () => byId("dialog").close();

export const titleOf = (words) => h("h2", { id: "dialog-title" }, words);

export function showDialog(content, focused) {
  const dialog = byId("dialog");
  dialog.replaceChildren(content);
  dialog.showModal();
  focused.focus();
}

// A field with a `value` to change, or `words` only, or both. `submit(text)` sends it; what is refused
// stays, with the reason.
export function showForm({ title, value, words, button, submit, isLine = false }) {
  const field = value === undefined ? null : fieldOf(value, isLine);
  const error = h("p", { class: "error", role: "alert" });
  const send = h("button", { type: "submit", class: "primary" }, button);
  const cancel = h("button", { type: "button", class: "plain", onclick: closeDialog }, "Cancel");
  const text = words ? h("p", { dir: "auto" }, words) : null;
  const form = h("form", {}, titleOf(title), text, field, error, h("p", { class: "buttons" }, cancel, send));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    error.textContent = "";
    try {
      await submit(field?.value.trimEnd());
      closeDialog();
    } catch (problem) {
      error.textContent = problem.message;
    } finally {
      send.disabled = false;
    }
  });
  showDialog(form, field ?? send);
}

function fieldOf(value, isLine) {
  const attributes = { "aria-label": isLine ? "Title" : "Text", dir: "auto" };
  const field = isLine ? h("input", { ...attributes, autocomplete: "off" }) : h("textarea", { ...attributes, rows: "6" });
  field.value = value;
  return field;
}

byId("dialog").addEventListener("close", () => lastOpener()?.focus({ preventScroll: true }));
