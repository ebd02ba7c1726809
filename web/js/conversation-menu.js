// What can be done with a conversation as a whole: a menu by its title, and the list of archived ones.

import * as api from "./api.js";
import { showSettings } from "./conversation-settings.js";
import { closeDialog, showDialog, showForm, titleOf } from "./dialog.js";
import { announce, byId, h, notify, withoutOverrides } from "./dom.js";
import { openMenu } from "./menu.js";
import { showExport } from "./transfer.js";

export function addConversationMenu({ me, page, inBackground, conversations }) {
  function entriesOf({ id, title, role, archived_at: archivedAt }) {
    const isAdmin = ["owner", "admin"].includes(role);
    const entries = [
      isAdmin && !archivedAt && ["Settings", () => inBackground(() => openSettings(id))],
      isAdmin && !archivedAt && ["Archive", () => change(() => setArchived(id, true), "Archived: read only.")],
      isAdmin && archivedAt && ["Unarchive", () => change(() => setArchived(id, false), "Unarchived.")],
      ["Export", () => inBackground(() => showExport({ id, title }))],
      ["Leave", () => askToLeave(id, title)],
      role === "owner" && ["Delete", () => askToDelete(id, title)],
    ];
    return entries.filter(Boolean);
  }

  async function openSettings(id) {
    try {
      await showSettings(id);
    } catch (problem) {
      notify(problem.message);
    }
  }

  async function setArchived(id, archived) {
    await api.updateConversation(id, { archived });
    inBackground(conversations.loadList);
  }

  function change(request, words) {
    inBackground(async () => {
      try {
        await request();
        announce(words);
      } catch (problem) {
        notify(problem.message);
      }
    });
  }

  function askToLeave(id, title) {
    const words = withoutOverrides(title);
    showForm({ title: "Leave this conversation?", words, button: "Leave", submit: () => api.removeParticipant(id, me.id) });
  }

  function askToDelete(id, title) {
    const expected = withoutOverrides(title);
    showForm({
      title: "Delete this conversation for everybody?",
      words: `Everything in “${expected}” is gone then. Type its title to go on.`,
      value: "",
      isLine: true,
      button: "Delete",
      submit: (typed) => {
        if (typed.trim() !== expected.trim()) throw new Error("That is not its title; nothing is deleted.");
        return api.deleteConversation(id);
      },
    });
  }

  async function showArchived() {
    try {
      const { conversations: listed } = await api.listConversations({ archived: true, limit: 200 });
      const links = listed.map(({ id, title }) =>
        h("li", {}, h("a", { href: `#/c/${id}`, dir: "auto", onclick: closeDialog }, withoutOverrides(title))),
      );
      const close = h("button", { type: "button", class: "plain", onclick: closeDialog }, "Close");
      const list = links.length ? h("ul", {}, ...links) : h("p", { class: "quiet" }, "No conversation is archived.");
      showDialog(h("div", {}, titleOf("Archived conversations"), list, h("p", { class: "buttons" }, close)), close);
    } catch (problem) {
      notify(problem.message);
    }
  }

  const button = byId("conversation-menu");
  button.addEventListener("click", () => page.state && openMenu(button, entriesOf(page.state.conversation)));
  byId("archived").addEventListener("click", () => inBackground(showArchived));
}
