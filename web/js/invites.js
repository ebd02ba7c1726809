// Invites: joining by the link in the page's address, and the dialog that makes a link.

import { inviteToken } from "./address.js";
import { acceptInvite, createInvite } from "./api.js";
import { byId, notify, withoutOverrides } from "./dom.js";
import { showGate } from "./sign-in.js";

const ROLES = ["viewer", "member", "admin", "owner"];

// Asks whether to join the conversation of the invite in the address, if there is one. The token does
// not stay in the address: it would be in the browser's history.
export async function joinByAddress({ joined = false } = {}) {
  const token = inviteToken(location.hash);
  if (!token) return;
  const conversation = joined ? null : await askToJoin(token);
  history.replaceState(null, "", conversation ? `#/c/${conversation}` : "#/");
}

// Resolves to the id of the conversation, or to null if the user does not join.
function askToJoin(token) {
  return new Promise((resolve) => {
    let conversation = null;
    showGate(
      {
        title: "You are invited to a conversation",
        button: "Join",
        other: "Not now",
        fields: [],
        async send() {
          conversation = (await acceptInvite(token)).conversation_id;
        },
      },
      () => resolve(conversation),
      () => {
        byId("gate").hidden = true;
        resolve(null);
      },
    );
  });
}

// Whether somebody with a role may invite.
export const mayInvite = (role) => role === "owner" || role === "admin";

// Opens the dialog that makes a link to a conversation; roles up to the user's own are offered.
export function showInviteDialog({ id, title, role }) {
  const dialog = byId("invite-dialog");
  const form = byId("invite-form");
  const roles = ROLES.slice(0, ROLES.indexOf(role) + 1);
  form.reset();
  byId("invite-title").textContent = `Invite to ${withoutOverrides(title)}`;
  byId("invite-role").replaceChildren(...roles.map((name) => new Option(name, name, name === "member", name === "member")));
  byId("invite-error").textContent = "";
  byId("invite-result").hidden = true;
  form.hidden = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    create(id);
  };
  byId("invite-close").onclick = () => dialog.close();
  byId("invite-copy").onclick = copyLink;
  dialog.showModal();
}

async function create(id) {
  const email = byId("invite-email").value.trim();
  const send = byId("invite-form").querySelector("[type=submit]");
  send.disabled = true;
  byId("invite-error").textContent = "";
  try {
    const request = { role: byId("invite-role").value, ttl_seconds: Number(byId("invite-time").value) };
    const { token } = await createInvite(id, email ? { ...request, email } : request);
    byId("invite-link").value = `${location.origin}/#/invite/${token}`;
    byId("invite-form").hidden = true;
    byId("invite-result").hidden = false;
    byId("invite-link").select();
  } catch (problem) {
    byId("invite-error").textContent = problem.message;
  } finally {
    send.disabled = false;
  }
}

async function copyLink() {
  byId("invite-link").select();
  try {
    await navigator.clipboard.writeText(byId("invite-link").value);
    byId("invite-dialog").close();
    notify("The link is copied. Send it to one person.");
  } catch {
    byId("invite-error").textContent = "Copy the link with the keyboard: it is selected.";
  }
}
