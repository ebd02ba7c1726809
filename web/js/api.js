// Requests to the server: the CSRF token, one refresh and one retry, and problems as sentences.

export class Problem extends Error {
  constructor(message, { code = "", status = 0 } = {}) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

let refreshing = null;

function csrfToken() {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith("CSRF-TOKEN="));
  return found ? found.slice("CSRF-TOKEN=".length) : "";
}

async function send(method, path, body, key) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-TOKEN"] = csrfToken();
  if (key) headers["Idempotency-Key"] = key;
  try {
    return await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
  } catch {
    throw new Problem("The server cannot be reached; check the connection and try again.");
  }
}

async function problemOf(response) {
  let told = {};
  try {
    told = await response.json();
  } catch {
    // Something between us and the server answered.
  }
  const fields = (told.errors || []).map((error) => `${error.field}: ${error.message}`).join("; ");
  const detail = told.detail || `The server answered ${response.status}.`;
  return new Problem(fields ? `${detail} ${fields}` : detail, {
    code: told.code,
    status: response.status,
  });
}

function mayRefresh(response) {
  const how = (response.headers.get("www-authenticate") || "").toLowerCase();
  return response.status === 401 && /^(refresh|session)\b/.test(how);
}

async function renewed() {
  refreshing ??= send("POST", "/api/auth/refresh").finally(() => {
    refreshing = null;
  });
  return (await refreshing).ok;
}

export async function call(method, path, body, key) {
  let response = await send(method, path, body, key);
  if (mayRefresh(response) && csrfToken() && (await renewed())) {
    response = await send(method, path, body, key);
  }
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}, key = undefined) => call("POST", path, body, key);
