// The address of the page: #/c/<conversation>, then /new, or /t/<root> and /m/<message>; or
// #/m/<message>, which is the one that people send each other; or #/invite/<token>, #/password, #/device
// or #/identities.

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

// Whether a part of an address can be an id: the server is not asked for anything else.
export const isId = (part) => ID.test(part);

// The token of an invite in an address, or null.
export const inviteToken = (hash) => /^#\/invite\/([\w-]+)$/.exec(hash)?.[1] ?? null;

// Whether an address is that of the form for a new password: /.well-known/change-password leads there.
export const isPasswordAddress = (hash) => hash === "#/password";

// The code in the address that devices show, "" without one, or null for any other address.
export function deviceCode(hash) {
  const match = /^#\/device(?:\?user_code=([A-Z]{8}))?$/.exec(hash);
  return match && (match[1] ?? "");
}

// The id of the message that a link leads to, or null.
export const linkedMessage = (hash) => /^#\/m\/([^/]+)\/?$/.exec(hash)?.[1] ?? null;

export const linkTo = (messageId) => `${location.origin}/#/m/${messageId}`;

// What a text leads to that may be a link: { hash } of this server, { origin } of another one, or null.
export function linkedHash(text, origin) {
  const [address, fragment] = text.trim().split(/#(.*)/s);
  if (!/^\/(c|m)\/[0-9a-f-]{36}/i.test(fragment ?? "")) return null;
  if (!address) return { hash: `#${fragment}` };
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  if (!["http:", "https:"].includes(url.protocol)) return null;
  return url.origin === origin ? { hash: `#${fragment}` } : { origin: url.origin };
}

// The parts are not checked; those that are missing are null.
export function parseHash(hash) {
  const [, , conversation, kind, root, part, message] = hash.split("/");
  return {
    conversation: conversation || null,
    root: kind === "t" ? root || null : null,
    message: part === "m" ? message || null : null,
    isNewThread: kind === "new",
  };
}
