// The form for a new password, at the address #/password, above what is open.

import { isPasswordAddress } from "./address.js";
import { changePassword, Problem, WRONG_PASSWORD } from "./api.js";
import { closeDialog, showForm } from "./dialog.js";
import { h, makeField, notify } from "./dom.js";

const MIN_CHARACTERS = 8;
const MAX_CHARACTERS = 1_024;
const FIELDS = [
  { name: "current", label: "Current password", type: "password", autocomplete: "current-password", optional: true },
  { name: "next", label: "New password", type: "password", autocomplete: "new-password" },
  { name: "again", label: "New password again", type: "password", autocomplete: "new-password" },
];

const refusal = (message, field) => Object.assign(new Problem(message), { field });

export function makePasswordForm(me) {
  let below = null; // the address of what is open below the form, while that is shown

  function open(address) {
    below = address;
    // Password managers read from it whose password they store.
    const user = h("input", { name: "username", autocomplete: "username", value: me.username, hidden: true });
    showForm({
      title: "Change your password",
      words: "Your other sessions end then; this one goes on. If you have no password yet, leave the current one empty.",
      parts: [user, ...FIELDS.map((field) => makeField("password", field))],
      button: "Change",
      submit: (_, form) => submit(form.elements),
      onClose,
    });
  }

  function onClose() {
    if (isPasswordAddress(location.hash)) history.replaceState(null, "", below);
    below = null;
  }

  // Shows the form at the start of the page if the address is its own.
  function openAtStart() {
    if (isPasswordAddress(location.hash)) open("#/");
  }

  // Shows the form at its address, and closes it elsewhere. Returns whether what is open below is still
  // what the address shows.
  function onHashChange({ oldURL }) {
    if (isPasswordAddress(location.hash)) {
      if (below === null) open(new URL(oldURL).hash || "#/");
      return true;
    }
    if (below === null) return false;
    const isSame = below === (location.hash || "#/");
    closeDialog();
    return isSame;
  }

  return { onHashChange, openAtStart };
}

async function submit({ current, next, again }) {
  const { length } = [...next.value]; // code points, as the server counts
  if (length < MIN_CHARACTERS || length > MAX_CHARACTERS) {
    throw refusal("The new password must have 8 to 1,024 characters.", "next");
  }
  if (next.value !== again.value) throw refusal("The new passwords differ; type the new one again.", "again");
  try {
    await changePassword(current.value, next.value);
  } catch (problem) {
    if (problem.code === WRONG_PASSWORD) throw refusal("The current password is wrong; type it again.", "current");
    if (problem.status === 401) location.reload(); // the session has ended
    throw problem;
  }
  notify("Your password is changed, and your other sessions have ended.");
}
