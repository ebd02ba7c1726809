// The dialog of the user's accounts at other providers: linking one, and unlinking one.

import { linkIdentity, listIdentities, listProviders, unlinkIdentity } from "./api.js";
import { makeDialogList } from "./dialog-list.js";
import { showForm } from "./dialog.js";
import { byId, formatTime, h, withoutOverrides } from "./dom.js";
import { takeFailure } from "./providers.js";

const NAMES = { github: "GitHub", apple: "Apple", oidc: "OpenID Connect" };

let labels = NAMES; // what people call the providers

const list = makeDialogList("identities", { fetchRows, emptyText: "No other account signs you in." });

async function fetchRows() {
  const { identities, has_password: hasPassword } = await listIdentities();
  byId("identities-password").hidden = hasPassword;
  return identities.map(rowOf);
}

function rowOf({ id, provider, label, created_at: created, last_used_at: used }) {
  const name = `${withoutOverrides(labels[provider] ?? provider)}: ${withoutOverrides(label ?? "your account")}`;
  const facts = [`linked ${formatTime(created)}`, used ? `used ${formatTime(used)}` : "never used"];
  return { key: id, name, facts, label: "Unlink", about: name, run: () => askToUnlink(id, name) };
}

function askToUnlink(id, name) {
  showForm({
    title: "Unlink this account?",
    words: `“${name}” does not sign you in any more. You stay signed in.`,
    button: "Unlink",
    async submit() {
      await unlinkIdentity(id);
      list.refresh();
    },
  });
}

export async function showIdentities() {
  byId("identities-failure").textContent = takeFailure();
  byId("identities-providers").replaceChildren();
  list.open();
  try {
    const { providers } = await listProviders();
    labels = { ...NAMES, ...Object.fromEntries(providers.map(({ name, label }) => [name, label])) };
    byId("identities-providers").replaceChildren(...providers.map(buttonOf));
  } catch (problem) {
    if (problem.status === undefined) throw problem; // a defect of the page
  }
}

function buttonOf({ name, label }) {
  const link = () => list.change(async () => location.assign((await linkIdentity(name)).url));
  return h("button", { type: "button", onclick: link }, `Link ${withoutOverrides(label)}`);
}

// Shows the dialog if the address is its own: a browser comes back to it from a provider.
export function openIdentitiesByAddress() {
  if (location.hash !== "#/identities") return false;
  history.replaceState(null, "", "#/");
  showIdentities();
  return true;
}

byId("identities-to-password").addEventListener("click", () => {
  byId("identities-dialog").close();
  location.hash = "#/password";
});
