// Invites: joining by the link in the page's address, and the dialog that makes a link, lists the open
// invites of a conversation and revokes them.

import { inviteToken } from "./address.js";
import { acceptInvite, createInvite, listInvites, revokeInvite } from "./api.js";
import { makeDialogList } from "./dialog-list.js";
import { byId, copyText, formatTime, notify, withoutOverrides } from "./dom.js";
import { nameOfPerson } from "./names.js";
import { showGate } from "./sign-in.js";

const ROLES = ["viewer", "member", "admin", "owner"];
const LISTED_MAX = 200;

let conversationId = null; // of the dialog

const list = makeDialogList("invite", { fetchRows, emptyText: "There are none." });

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

// Opens the dialog of a conversation; roles up to the user's own are offered.
export function showInviteDialog({ id, title, role }) {
  const form = byId("invite-form");
  const roles = ROLES.slice(0, ROLES.indexOf(role) + 1);
  conversationId = id;
  form.reset();
  byId("invite-title").textContent = `Invite to ${withoutOverrides(title)}`;
  byId("invite-role").replaceChildren(...roles.map((name) => new Option(name, name, name === "member", name === "member")));
  byId("invite-result").hidden = true;
  form.hidden = false;
  list.open();
}

// The invites that can be used; those that were used, revoked or have expired are listed with them.
async function fetchRows() {
  const { invites, next_cursor: more } = await listInvites(conversationId, { limit: LISTED_MAX });
  byId("invite-more").hidden = !more;
  return invites.filter(({ state }) => state === "live").map(rowOf);
}

function rowOf({ id, email, role, created_by: by, expires_at: expires }) {
  const whom = email ? withoutOverrides(email) : "anyone with the link";
  return {
    key: id,
    name: `${role}: ${whom}`,
    facts: [`by ${nameOfPerson(by)}`, `until ${formatTime(expires)}`],
    label: "Revoke",
    about: `the invite as ${role} for ${whom}`,
    run: () => list.change(() => revokeInvite(id)),
  };
}

async function create() {
  const email = byId("invite-email").value.trim();
  const request = { role: byId("invite-role").value, ttl_seconds: Number(byId("invite-time").value) };
  const { token } = await createInvite(conversationId, email ? { ...request, email } : request);
  byId("invite-link").value = `${location.origin}/#/invite/${token}`;
  byId("invite-form").hidden = true;
  byId("invite-result").hidden = false;
  byId("invite-link").focus();
  byId("invite-link").select();
}

async function copyLink() {
  if (await copyText(byId("invite-link"))) {
    byId("invite-dialog").close();
    notify("The link is copied. Send it to one person.");
  } else byId("invite-error").textContent = "Copy the link with the keyboard: it is selected.";
}

byId("invite-form").addEventListener("submit", (event) => {
  event.preventDefault();
  list.change(create);
});
byId("invite-copy").addEventListener("click", copyLink);
