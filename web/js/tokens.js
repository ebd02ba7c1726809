// The dialog of the user's personal tokens: creating one, which is shown once, and revoking one.

import { createToken, listTokens, revokeToken } from "./api.js";
import { makeDialogList } from "./dialog-list.js";
import { showForm } from "./dialog.js";
import { byId, copyText, formatTime, h, withoutOverrides } from "./dom.js";

const SCOPES = [
  ["read", "Read conversations and follow them live"],
  ["write", "Post, and change what you may change"],
  ["admin", "Administer the server"],
  ["v1", "Use the OpenAI-compatible API"],
];

const list = makeDialogList("tokens", {
  fetchRows: async () => (await listTokens()).tokens.map(rowOf),
  emptyText: "You have no tokens.",
});

function rowOf({ id, name: given, scopes, created_at: created, last_used_at: used, expires_at: expires }) {
  const name = withoutOverrides(given);
  const facts = [
    scopes.join(", "),
    `created ${formatTime(created)}`,
    used ? `used ${formatTime(used)}` : "never used",
    expiryOf(expires),
  ];
  return { key: id, name, facts, label: "Revoke", about: `the token ${name}`, run: () => askToRevoke(id, name) };
}

function expiryOf(expires) {
  if (!expires) return "does not expire";
  return `${Date.parse(expires) > Date.now() ? "expires" : "expired"} ${formatTime(expires)}`;
}

function askToRevoke(id, name) {
  showForm({
    title: "Revoke this token?",
    words: `Programs that use “${name}” are signed out at once, and it cannot be restored.`,
    button: "Revoke",
    async submit() {
      await revokeToken(id);
      list.refresh();
    },
  });
}

// The scope `admin` is only offered to administrators of the server: for others it allows nothing.
export function showTokens(me) {
  const offered = SCOPES.filter(([scope]) => scope !== "admin" || me.roles.includes("admin"));
  byId("token-form").reset();
  byId("token-scopes").replaceChildren(...offered.map(checkboxOf));
  byId("token-form").hidden = false;
  byId("token-result").hidden = true;
  list.open();
}

function checkboxOf([scope, words]) {
  const box = h("input", { type: "checkbox", name: "scope", value: scope, checked: scope === "read" });
  return h("label", {}, box, h("span", {}, `${words} (`, h("code", {}, scope), ")"));
}

async function create() {
  const form = byId("token-form");
  const scopes = [...form.querySelectorAll("[name=scope]:checked")].map((box) => box.value);
  const seconds = Number(byId("token-time").value);
  const request = { name: byId("token-name").value, scopes };
  if (!scopes.length) throw new Error("Choose at least one thing that the token may be used for.");
  const { token } = await createToken(seconds ? { ...request, expires_in_seconds: seconds } : request);
  byId("token-value").value = token;
  form.hidden = true;
  byId("token-result").hidden = false;
  byId("token-copy").textContent = "Copy";
  byId("token-value").focus();
  byId("token-value").select();
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  list.change(create);
});

byId("token-copy").addEventListener("click", async () => {
  const isCopied = await copyText(byId("token-value"));
  if (isCopied) byId("token-copy").textContent = "Copied";
  else byId("tokens-error").textContent = "Copy the token with the keyboard: it is selected.";
});

// The token is shown once.
byId("tokens-dialog").addEventListener("close", () => {
  byId("token-value").value = "";
});
