// The way in: naming the first administrator, or signing in.

import { get, post } from "./api.js";
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

// Resolves with the user once somebody is signed in.
export async function openGate() {
  const { is_setup: isSetUp } = await get("/api/setup");
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const fields = isSetUp ? SIGN_IN : local ? SET_UP : [...SET_UP, TOKEN];
  byId("gate-title").textContent = isSetUp ? "Sign in" : "Welcome to RustyGPT";
  byId("gate-words").textContent = isSetUp ? "" : "Name the first administrator of this server.";
  byId("gate-fields").replaceChildren(...fields.map(field));
  const form = byId("gate-form");
  form.querySelector("button").textContent = isSetUp ? "Sign in" : "Set up";
  byId("gate").hidden = false;
  byId("gate-fields").querySelector("input").focus();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      enter(form, isSetUp, resolve);
    };
  });
}

async function enter(form, isSetUp, resolve) {
  const button = form.querySelector("button");
  const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
  byId("gate-error").textContent = "";
  button.disabled = true;
  try {
    if (isSetUp) await post("/api/auth/login", given);
    else {
      await post("/api/setup", given);
      await post("/api/auth/login", { email: given.username, password: given.password });
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
