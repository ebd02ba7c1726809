// The form in front of the page: it creates the first administrator, signs a user in, or creates an
// account where the server allows it.

import { deviceCode, inviteToken, isPasswordAddress } from "./address.js";
import { logIn, register, setUp, showSetup } from "./api.js";
import { byId, makeField } from "./dom.js";
import { hideProviders, showProviders, takeFailure } from "./providers.js";

const NAMES = [
  { name: "username", label: "User name", autocomplete: "username" },
  { name: "email", label: "E-mail address", type: "email", autocomplete: "email" },
  { name: "password", label: "Password", type: "password", autocomplete: "new-password", minlength: 8 },
];
const TOKEN = { name: "setup_token", label: "Set-up token (the server printed it)", optional: true };

const SIGN_IN = {
  title: "Sign in",
  button: "Sign in",
  other: "Create an account",
  fields: [
    { name: "email", label: "User name or e-mail address", autocomplete: "username" },
    { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
  ],
  send: (values) => logIn(values.email, values.password),
};
const SET_UP = {
  title: "Welcome to RustyGPT",
  words: "Name the first administrator of this server.",
  button: "Set up",
  fields: NAMES,
  async send(values) {
    await setUp(values);
    await logIn(values.username, values.password);
  },
};
const REGISTER = { title: "Create an account", button: "Create and sign in", other: "I have an account" };

// Resolves when the user has signed in; `joined` is true if that used the invite of the address up.
export async function showSignIn() {
  const setup = await showSetup();
  const invite = inviteToken(location.hash);
  return new Promise((resolve) => {
    if (setup.is_setup) showSignInOrRegister(setup.registration, invite, resolve);
    else {
      const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
      showGate({ ...SET_UP, fields: isLocal ? NAMES : [...NAMES, TOKEN] }, () => resolve({ joined: false }));
    }
  });
}

function showSignInOrRegister(registration, invite, resolve) {
  const mayRegister = registration === "open" || (registration === "invite" && invite);
  const words = wordsBefore(invite);
  const signIn = { ...SIGN_IN, words, other: mayRegister ? SIGN_IN.other : null };
  const newAccount = {
    ...REGISTER,
    words: invite ? "You have an invite: the new account is in its conversation." : "",
    fields: NAMES,
    send: (values) => register(invite ? { ...values, invite_token: invite } : values),
  };
  const showOne = () => showGate(signIn, () => resolve({ joined: false }), showOther);
  const showOther = () => showGate(newAccount, () => resolve({ joined: Boolean(invite) }), showOne);
  showOne();
  byId("gate-error").textContent = takeFailure();
  showProviders();
}

// What follows the sign-in, where the address leads to more than the page.
function wordsBefore(invite) {
  if (isPasswordAddress(location.hash)) return "The form for a new password follows.";
  if (deviceCode(location.hash) !== null) return "The code of the device follows.";
  return invite ? "You have an invite: it is used once you are signed in." : "";
}

// Shows a form in front of the page. `onDone` is called after `send` has succeeded, `onOther` for the
// second button, whose text is `other`.
export function showGate({ title, words = "", button, other = null, fields, send }, onDone, onOther) {
  const form = byId("gate-form");
  byId("gate-title").textContent = title;
  byId("gate-words").textContent = words;
  byId("gate-error").textContent = "";
  byId("gate-fields").replaceChildren(...fields.map((field) => makeField("gate", field)));
  byId("gate-send").textContent = button;
  byId("gate-other").hidden = !other;
  byId("gate-other").textContent = other ?? "";
  byId("gate-other").onclick = onOther;
  byId("gate").hidden = false;
  (byId("gate-fields").querySelector("input") ?? byId("gate-send")).focus();
  form.onsubmit = (event) => {
    event.preventDefault();
    submit(form, send, onDone);
  };
}

async function submit(form, send, onDone) {
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
  byId("gate-error").textContent = "";
  byId("gate-send").disabled = true;
  try {
    await send(values);
    form.reset();
    byId("gate").hidden = true;
    hideProviders();
    onDone();
  } catch (problem) {
    byId("gate-error").textContent = problem.message;
  } finally {
    byId("gate-send").disabled = false;
  }
}
