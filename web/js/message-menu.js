// What can be done with a message besides a reply: a menu by the message, and its dialogs.

import * as api from "./api.js";
import { closeDialog, showDialog, showForm, titleOf } from "./dialog.js";
import { linkTo } from "./address.js";
import { announce, formatTime, h } from "./dom.js";
import { openMenu } from "./menu.js";
import { firstWords } from "./message-row.js";
import { fillModels, listModels } from "./models.js";
import { nameOfPerson } from "./names.js";
import { isWriter, mayWrite } from "./store.js";

const isAdmin = ({ role }) => ["owner", "admin"].includes(role);

// Whether the user may change a message, as far as the page knows; the server decides.
function mayChange(message, parent, conversation, me) {
  if (isAdmin(conversation)) return true;
  const author = message.role === "assistant" ? parent?.author_user_id : message.author_user_id;
  return author === me.id;
}

// The entries of a message's menu: `[action, label]`.
export function menuOf(message, parent, conversation, me) {
  const writes = mayWrite(conversation, me);
  const mayAlter = isWriter(conversation, me) && mayChange(message, parent, conversation, me);
  const isThere = !message.deleted_at && !message.streaming;
  const isOwn = message.role === "user" && message.author_user_id === me.id;
  const entries = [
    writes && mayAlter && isThere && ["edit", "Edit"],
    writes && isThere && isOwn && ["resend", "Send again, changed"],
    writes && mayAlter && isThere && message.role === "assistant" && ["regenerate", "Another answer"],
    writes && mayAlter && isThere && message.role === "assistant" && ["regenerateWith", "Another answer by …"],
    mayAlter && !message.deleted_at && ["delete", "Delete"],
    mayAlter && message.deleted_at && (isAdmin(conversation) || message.deleted_by === me.id) && ["restore", "Restore"],
    !message.deleted_at && ["link", "Copy link"],
    message.edited_at && (mayAlter || !message.deleted_at) && ["revisions", "Earlier texts"],
  ];
  return entries.filter(Boolean);
}

// `onPosted(posted)` gets what was sent again or regenerated, `onProblem(problem)` what was refused.
export function makeMessageMenu({ inBackground, onPosted, onProblem }) {
  const open = (button, message, entries) =>
    openMenu(button, entries.map(([action, label]) => [label, () => ACTIONS[action](message)]));

  // Sends a change in the background; a refusal is a sentence above the composer.
  function change(request, words) {
    inBackground(async () => {
      try {
        const response = await request();
        announce(words);
        if (response) onPosted(response);
      } catch (problem) {
        onProblem(problem);
      }
    });
  }

  const ACTIONS = {
    edit: (message) =>
      showForm({
        title: "Edit the message",
        value: message.content,
        button: "Save",
        submit: (text) => api.editMessage(message.id, text),
      }),
    resend: (message) => {
      const key = api.newKey();
      const { parent_id: parent, conversation_id: conversation } = message;
      showForm({
        title: "Send again, beside the old message",
        value: message.content,
        button: "Send",
        submit: async (text) =>
          onPosted(await (parent ? api.reply(parent, text, key) : api.postRoot(conversation, text, key))),
      });
    },
    regenerate: (message) => change(() => api.regenerateAnswer(message.id, api.newKey()), "Another answer begins."),
    regenerateWith: (message) => inBackground(() => chooseModel(message)),
    delete: (message) =>
      showForm({
        title: "Delete this message?",
        words: `${firstWords(message)} Its replies stay, and it can be restored.`,
        button: "Delete",
        submit: () => api.deleteMessage(message.id),
      }),
    restore: (message) => change(() => api.restoreMessage(message.id), "Restored."),
    link: (message) => inBackground(() => copyLink(linkTo(message.id))),
    revisions: (message) => inBackground(() => showRevisions(message)),
  };

  async function chooseModel(message) {
    const models = await listModels();
    const select = h("select", { id: "answer-model", "aria-label": "Model" });
    fillModels(select, models, { inherited: "The same model" });
    const key = api.newKey();
    showForm({
      title: "Another answer by which model?",
      parts: [select],
      button: "Answer",
      submit: async () => onPosted(await api.regenerateAnswer(message.id, key, select.value || undefined)),
    });
  }

  // Where the browser does not allow copying, the link is shown, selected.
  async function copyLink(address) {
    try {
      await navigator.clipboard.writeText(address);
      announce("The link is copied.");
    } catch {
      const field = h("input", { "aria-label": "Link", readonly: true });
      const close = h("button", { type: "button", class: "plain", onclick: closeDialog }, "Close");
      field.value = address;
      showDialog(h("div", {}, titleOf("The link of the message"), field, h("p", { class: "buttons" }, close)), field);
      field.select();
    }
  }

  async function showRevisions(message) {
    try {
      const { revisions, next_cursor: more } = await api.listRevisions(message.id);
      const close = h("button", { type: "button", class: "plain", onclick: closeDialog }, "Close");
      const texts = revisions.map(revisionOf);
      const last = more ? h("p", { class: "quiet" }, "There are older ones: `rustygpt revisions` lists all.") : null;
      showDialog(h("div", {}, titleOf("Earlier texts"), ...texts, last, h("p", { class: "buttons" }, close)), close);
    } catch (problem) {
      onProblem(problem);
    }
  }

  function revisionOf({ content, change: what, replaced_at: time, replaced_by: by, reason }) {
    const words = `${what} by ${nameOfPerson(by)}, ${formatTime(time)}${reason ? `: ${reason}` : ""}`;
    return h("section", { class: "revision" }, h("p", { class: "quiet", dir: "auto" }, words), h("p", { class: "raw", dir: "auto" }, content));
  }

  return { open, regenerate: ACTIONS.regenerate };
}
