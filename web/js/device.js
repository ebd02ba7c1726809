// Confirming the login of a device, at the address #/device: who asks, from where, and the decision.

import { deviceCode } from "./address.js";
import { decideDeviceLogin, showDeviceLogin } from "./api.js";
import { byId, formatTime, withoutOverrides } from "./dom.js";
import { showGate } from "./sign-in.js";

// Asks for the code and the decision if the address is the one that devices show.
export async function confirmDeviceByAddress() {
  const code = deviceCode(location.hash);
  if (code === null) return "";
  const sentence = await new Promise((resolve) => askForCode(code, resolve));
  history.replaceState(null, "", "#/");
  return sentence;
}

function leave(resolve, sentence = "") {
  byId("gate").hidden = true;
  resolve(sentence);
}

function askForCode(code, resolve) {
  let login = null;
  const field = { name: "user_code", label: "Code that the device shows", value: code, autocomplete: "off",
    autocapitalize: "characters", spellcheck: "false" };
  showGate(
    {
      title: "Sign in a device",
      words: "Enter the code only if you have started this sign-in yourself, a moment ago.",
      button: "Continue",
      other: "Cancel",
      fields: [field],
      async send({ user_code: entered }) {
        login = await showDeviceLogin(entered);
      },
    },
    () => askToApprove(login, resolve),
    () => leave(resolve),
  );
}

function askToApprove({ user_code: code, client_name: given, address, created_at: created }, resolve) {
  const name = withoutOverrides(given ?? "a program without a name");
  const decide = (approve) => decideDeviceLogin(code, approve);
  showGate(
    {
      title: "Sign this device in as you?",
      words: `It calls itself “${name}”, and asked at ${formatTime(created)} from the address ${address}. `
        + `Its code is ${code.slice(0, 4)}-${code.slice(4)}. It may then do everything that you may.`,
      button: "Approve",
      other: "Deny",
      fields: [],
      send: () => decide(true),
    },
    () => resolve("The device is signed in; you can go back to it."),
    async () => {
      try {
        await decide(false);
        leave(resolve, "The device is not signed in.");
      } catch (problem) {
        byId("gate-error").textContent = problem.message;
      }
    },
  );
  byId("gate-other").focus(); // a key that is held down approves nothing
}
