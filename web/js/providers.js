// Sign-in by other providers: the buttons, where the browser goes, and what it comes back with.

import { inviteToken } from "./address.js";
import { listProviders } from "./api.js";
import { byId, h, withoutOverrides } from "./dom.js";

const PLACE = "place before the sign-in"; // the key of the address that the person left
const SENTENCES = {
  denied: "The provider did not confirm the sign-in; start again if that was a mistake.",
  expired: "This sign-in took too long, or began in another browser; start again.",
  provider: "The provider did not answer as it should; try again, or ask an administrator.",
  registration_closed: "You have no account here, and registration is closed; ask an administrator for one.",
  invite_needed: "You have no account here, and a new one needs an invite; ask somebody for one.",
  invite_ended: "This invite was used, revoked, or has expired; ask for a new one.",
  invite_other_email: "This invite is for another e-mail address than the one that the provider has verified.",
  session_ended: "Your session has ended meanwhile; sign in, then link the account again.",
  other_account: "Another account here is linked with it already; unlink it there first.",
  many_identities: "You have linked as many accounts as are possible; unlink one first.",
  disabled: "This account is disabled; ask an administrator.",
  rate_limited: "There were too many sign-ins from here; wait a minute and try again.",
  unavailable: "The server is busy; try again in a moment.",
};

let failure = ""; // of the sign-in that the browser has just come back from

// The sentence for a word in an address; the address itself is never shown.
const sentenceOf = (word) => (Object.hasOwn(SENTENCES, word) ? SENTENCES[word] : SENTENCES.provider);

// Takes the word for what went wrong out of the address, and goes back to where the person was.
export function restorePlace() {
  const [, place, word] = /^#\/(sign-in|identities)(?:\?error=(\w+))?$/.exec(location.hash) ?? [];
  const saved = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  if (word) failure = sentenceOf(word);
  if (place === "identities") history.replaceState(null, "", "#/identities");
  else if (place || ["", "#", "#/"].includes(location.hash)) history.replaceState(null, "", saved || "#/");
}

// Returns the sentence about the last sign-in, once.
export function takeFailure() {
  const sentence = failure;
  failure = "";
  return sentence;
}

// Shows a button for each provider below the form in front of the page.
export async function showProviders() {
  let providers = [];
  try {
    ({ providers } = await listProviders());
  } catch (problem) {
    if (problem.status === undefined) throw problem; // a defect of the page
  }
  byId("gate-providers").replaceChildren(...providers.map(linkOf));
  byId("gate-providers").hidden = !providers.length || byId("gate").hidden;
}

export function hideProviders() {
  byId("gate-providers").hidden = true;
}

function linkOf({ label, url }) {
  const leave = ({ currentTarget: link }) => {
    const token = inviteToken(location.hash); // of the moment: a link may have been opened meanwhile
    link.href = token ? `${url}?${new URLSearchParams({ invite_token: token })}` : url;
    sessionStorage.setItem(PLACE, location.hash);
  };
  return h("a", { class: "button", href: url, onclick: leave }, `Sign in with ${withoutOverrides(label)}`);
}
