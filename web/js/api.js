// Requests to the server: one function per route, named like the terminal's client methods.
// They send the CSRF token, refresh the session and retry once after a 401 that allows it, and throw
// a Problem with a sentence for the user.

export class Problem extends Error {
  constructor(message, { code = "", status = 0 } = {}) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const TIMEOUT_MS = 30_000;

// An idempotency key: requests with the same key have an effect only once.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function csrfToken() {
  const pair = document.cookie.split("; ").find((cookie) => cookie.startsWith("CSRF-TOKEN="));
  return pair ? pair.slice("CSRF-TOKEN=".length) : "";
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
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Problem("The server cannot be reached; check the connection and try again.");
  }
}

async function problemOf(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // A proxy answered instead of the server.
  }
  const fields = (problem.errors || []).map((error) => `${error.field}: ${error.message}`).join("; ");
  const detail = problem.detail || `The server answered ${response.status}.`;
  return new Problem(fields ? `${detail} ${fields}` : detail, {
    code: problem.code,
    status: response.status,
  });
}

function mayRefresh(response) {
  const challenge = (response.headers.get("www-authenticate") || "").toLowerCase();
  return response.status === 401 && /^(refresh|session)\b/.test(challenge);
}

let refreshing = null;

// Concurrent requests share one refresh.
async function refreshSession() {
  refreshing ??= send("POST", "/api/auth/refresh").finally(() => {
    refreshing = null;
  });
  return (await refreshing).ok;
}

async function call(method, path, body, key) {
  let response = await send(method, path, body, key);
  if (mayRefresh(response) && csrfToken() && (await refreshSession())) {
    response = await send(method, path, body, key);
  }
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

const get = (path) => call("GET", path);
const post = (path, body = {}, key = undefined) => call("POST", path, body, key);

// The path with those parameters that have a value.
function withQuery(path, parameters) {
  const present = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return present.length ? `${path}?${new URLSearchParams(present)}` : path;
}

// Set-up and sessions

export const isSetup = async () => (await get("/api/setup")).is_setup;
export const setUp = (request) => post("/api/setup", request);
export const logIn = (email, password) => post("/api/auth/login", { email, password });
export const logOut = () => post("/api/auth/logout");
export const me = () => get("/api/auth/me");

// Conversations

export const listConversations = ({ limit } = {}) => get(withQuery("/api/conversations", { limit }));
export const createConversation = (title) => post("/api/conversations", { title });
export const showConversation = (id) => get(`/api/conversations/${id}`);
export const listThreads = (id, { cursor } = {}) =>
  get(withQuery(`/api/conversations/${id}/threads`, { cursor }));
export const listUnread = (id) => get(`/api/conversations/${id}/unread`);
export const showPresence = (id) => get(`/api/conversations/${id}/presence`);

// Threads and messages

export const listTree = (rootId, { cursor, limit } = {}) =>
  get(withQuery(`/api/threads/${rootId}/tree`, { render: "html", limit, cursor_path: cursor }));
export const getMessage = (id) => get(withQuery(`/api/messages/${id}`, { render: "html" }));
export const postRoot = (conversationId, content, key) =>
  post(`/api/threads/${conversationId}/root`, { content }, key);
export const reply = (parentId, content, key) =>
  post(`/api/messages/${parentId}/reply`, { content }, key);
export const cancel = (id) => post(`/api/messages/${id}/cancel`);
export const markRead = (rootId) => post(`/api/threads/${rootId}/read`);

// Presence and typing

export const recordHeartbeat = () => post("/api/presence/heartbeat");
export const setTyping = (conversationId, rootId, seconds) =>
  post("/api/typing", { conversation_id: conversationId, root_id: rootId, seconds });

// The address of a conversation's event stream, from a position on.
export const streamUrl = (conversationId, position) =>
  withQuery(`/api/stream/conversations/${conversationId}`, { last_event_id: position || null });
