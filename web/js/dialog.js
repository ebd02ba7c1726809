// The one dialog of the page: a form that stays open when it is refused, or something to read.

import { byId, h } from "./dom.js";
import { lastOpener } from "./menu.js";

let opener = null; // what gets the focus back
let onClosed = null; // of what is shown

export const closeDialog = () => byId("dialog").close();

export const titleOf = (words) => h("h2", { id: "dialog-title" }, words);

// What the dialog shows already is replaced; `onClose()` is called when the new content is gone.
export function showDialog(content, focused, onClose = null) {
  const dialog = byId("dialog");
  finish();
  onClosed = onClose;
  dialog.replaceChildren(content);
  if (!dialog.open) {
    opener = openerOf(document.activeElement);
    dialog.showModal();
  }
  focused.focus();
}

// While an entry of the menu runs, the focus may be in the menu or nowhere.
function openerOf(active) {
  const isInMenu = !active || active === document.body || byId("menu").contains(active);
  return isInMenu ? lastOpener() : active;
}

function finish() {
  const run = onClosed;
  onClosed = null;
  run?.();
}

// A field with a `value` to change, other fields as `parts`, `words` only, or several of these.
// `submit(text, form)` sends it; what is refused stays, with the reason, and the focus goes to the
// field that the error names, if it names one.
export function showForm({ title, value, words, parts = [], button, submit, isLine = false, onClose }) {
  const field = value === undefined ? null : fieldOf(value, isLine);
  const error = h("p", { class: "error", role: "alert" });
  const send = h("button", { type: "submit", class: "primary" }, button);
  const cancel = h("button", { type: "button", class: "plain", onclick: closeDialog }, "Cancel");
  const text = words ? h("p", { dir: "auto" }, words) : null;
  const buttons = h("p", { class: "buttons" }, cancel, send);
  const form = h("form", {}, titleOf(title), text, field, ...parts, error, buttons);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.disabled) return;
    send.disabled = true;
    error.textContent = "";
    try {
      await submit(field?.value.trimEnd(), form);
      if (form.isConnected) closeDialog();
    } catch (problem) {
      error.textContent = problem.message;
      form.elements[problem.field]?.focus();
    } finally {
      send.disabled = false;
    }
  });
  showDialog(form, form.querySelector("input:not([hidden]), textarea") ?? send, onClose);
}

function fieldOf(value, isLine) {
  const attributes = { "aria-label": isLine ? "Title" : "Text", dir: "auto" };
  const field = isLine ? h("input", { ...attributes, autocomplete: "off" }) : h("textarea", { ...attributes, rows: "6" });
  field.value = value;
  return field;
}

byId("dialog").addEventListener("close", () => {
  if (byId("dialog").open) return; // it shows something else already
  finish();
  byId("dialog").replaceChildren();
  opener?.focus({ preventScroll: true });
});
