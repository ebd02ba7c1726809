// A list in a dialog, each row with a button. No event announces what changes in it, so it is fetched
// again while the dialog is open: what another browser or person changes is shown soon.

import { byId, drawKeyed, h } from "./dom.js";

const REFRESH_MS = 3_000;

// `name` begins the ids of the dialog's parts: -dialog, -list, -error and -close. `fetchRows()` returns
// rows: { key, name, facts }, and { label, about, run } of their button or a `note` in its place.
export function makeDialogList(name, { fetchRows, emptyText }) {
  const [dialog, list, error, close] = ["dialog", "list", "error", "close"].map((part) => byId(`${name}-${part}`));
  let latest = 0; // increases with each request, so that a late response is dropped
  let timer = 0;
  let isRunning = false;

  function open() {
    list.replaceChildren();
    error.textContent = "";
    close.onclick = () => dialog.close();
    dialog.showModal();
    refresh();
  }

  async function refresh() {
    clearTimeout(timer);
    latest += 1;
    const current = latest;
    try {
      const rows = await fetchRows();
      if (current === latest) draw(rows);
    } catch (problem) {
      if (current === latest) onLoadProblem(problem);
    }
    if (current === latest && dialog.open) timer = setTimeout(refresh, REFRESH_MS);
  }

  // A list that was shown stays while the server is away, which the state of the connection says.
  function onLoadProblem(problem) {
    if (problem.status === undefined) throw problem; // a defect of the page
    if (problem.status === 401) return location.reload();
    if (!problem.isTemporary || !list.firstChild) error.textContent = problem.message;
  }

  function draw(rows) {
    const hadFocus = list.contains(document.activeElement);
    if (!list.firstChild) error.textContent = "";
    drawKeyed(list, rows.length ? rows : [{ key: "empty" }], {
      keyOf: ({ key }) => key,
      create: ({ key }) => (key === "empty" ? h("li", { class: "quiet" }, emptyText) : makeRow()),
      update: (element, row) => row.key !== "empty" && updateRow(element, row),
    });
    if (hadFocus && !list.contains(document.activeElement)) close.focus();
  }

  function makeRow() {
    const button = h("button", { type: "button", onclick: () => button.run() });
    const text = h("span", { class: "words" }, h("span", { dir: "auto" }), h("br"), h("span", { class: "quiet", dir: "auto" }));
    return h("li", { class: "session" }, text, h("span", { class: "quiet" }), button);
  }

  function updateRow(element, { name: title, facts, note = "", label, about, run }) {
    const [text, noteElement, button] = element.children;
    setText(text.firstChild, title);
    setText(text.lastChild, facts.filter(Boolean).join(" · "));
    setText(noteElement, note);
    noteElement.hidden = !note;
    setText(button, label ?? "");
    if (label) button.setAttribute("aria-label", `${label} ${about}`);
    button.hidden = !label;
    button.run = run;
  }

  // Runs what a button does; a refusal is a sentence in the dialog.
  async function change(action) {
    if (isRunning) return;
    isRunning = true;
    error.textContent = "";
    try {
      await action();
    } catch (problem) {
      if (problem.status === 401) location.reload();
      error.textContent = problem.message;
      error.scrollIntoView({ block: "nearest" });
    }
    isRunning = false;
    refresh();
  }

  return { open, refresh, change };
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
