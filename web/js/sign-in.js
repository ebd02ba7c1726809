// The form in front of the page: it creates the first administrator, or signs a user in.

import { isSetup, logIn, setUp } from "./api.js";
import { byId, h } from "./dom.js";

const SIGN_IN = [
  { name: "email", label: "User name or e-mail address", autocomplete: "username" },
  { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
];
const SET_UP = [
  { name: "username", label: "User name", autocomplete: "username" },
  { name: "email", label: "E-mail address", type: "email", autocomplete: "email" },
  { name: "password", label: "Password", type: "password", autocomplete: "new-password", minlength: 8 },
];
const TOKEN = { name: "setup_token", label: "Set-up token (the server printed it)", optional: true };

// Resolves when the user has signed in.
export async function showSignIn() {
  const hasAdministrator = await isSetup();
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const fields = hasAdministrator ? SIGN_IN : isLocal ? SET_UP : [...SET_UP, TOKEN];
  byId("gate-title").textContent = hasAdministrator ? "Sign in" : "Welcome to RustyGPT";
  byId("gate-words").textContent = hasAdministrator ? "" : "Name the first administrator of this server.";
  byId("gate-fields").replaceChildren(...fields.map(field));
  const form = byId("gate-form");
  form.querySelector("button").textContent = hasAdministrator ? "Sign in" : "Set up";
  byId("gate").hidden = false;
  byId("gate-fields").querySelector("input").focus();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      submit(form, hasAdministrator, resolve);
    };
  });
}

async function submit(form, hasAdministrator, resolve) {
  const button = form.querySelector("button");
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
  byId("gate-error").textContent = "";
  button.disabled = true;
  try {
    if (hasAdministrator) await logIn(values.email, values.password);
    else {
      await setUp(values);
      await logIn(values.username, values.password);
    }
    form.reset();
    byId("gate").hidden = true;
    resolve();
  } catch (problem) {
    byId("gate-error").textContent = problem.message;
  } finally {
    button.disabled = false;
  }
}

function field({ name, label, optional, ...attributes }) {
  const id = `gate-${name}`;
  return h(
    "div",
    {},
    h("label", { for: id }, label),
    h("input", { id, name, required: !optional, ...attributes }),
  );
}
