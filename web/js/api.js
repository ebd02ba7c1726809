// Requests to the server: one function per route, named like the terminal's client methods.
// They send the CSRF token, refresh the session and retry once after a 401 that allows it, and throw
// a Problem with a sentence for the user.

export class Problem extends Error {
  constructor(message, { code = "", status = 0, retryAfterMs = 0 } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs; // how long the server asks to wait
  }

  // Whether the same request may succeed later: no response, or one that asks for patience.
  get isTemporary() {
    return this.status === 0 || this.status >= 500 || [408, 425, 429].includes(this.status);
  }
}

const TIMEOUT_MS = 30_000;
const MAX_WAIT_MS = 60_000;

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
    retryAfterMs: retryAfterMs(response),
  });
}

// The header is a number of seconds; a proxy may send a date, which counts as none.
function retryAfterMs(response) {
  return 1_000 * (Number(response.headers.get("retry-after")) || 0);
}

// A request that only reads waits for a rate limit as long as the server says, a minute at most in
// all; the event says for how many milliseconds. Posts are sent again by posts.js.
async function sendPatiently(method, path, body, key) {
  for (let waited = 0; ; ) {
    const response = await send(method, path, body, key);
    if (response.status !== 429 || method !== "GET") return response;
    const delay = Math.max(1_000, retryAfterMs(response));
    waited += delay;
    if (waited > MAX_WAIT_MS) return response;
    dispatchEvent(new CustomEvent("ratelimit", { detail: delay }));
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

export const WRONG_PASSWORD = "RGP.AUTH.INVALID_CREDENTIALS";

// A wrong password has the same status as a session that has to be refreshed.
async function mayRefresh(response) {
  const challenge = (response.headers.get("www-authenticate") || "").toLowerCase();
  if (response.status !== 401 || !/^(refresh|session)\b/.test(challenge)) return false;
  return (await problemOf(response.clone())).code !== WRONG_PASSWORD;
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
  let response = await sendPatiently(method, path, body, key);
  if (csrfToken() && (await mayRefresh(response)) && (await refreshSession())) {
    response = await sendPatiently(method, path, body, key);
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

export const showSetup = () => get("/api/setup");
export const setUp = (request) => post("/api/setup", request);
export const logIn = (email, password) => post("/api/auth/login", { email, password });
export const register = (request) => post("/api/auth/register", request);
export const logOut = () => post("/api/auth/logout");
export const me = () => get("/api/auth/me");
export const changePassword = (current, next) =>
  post("/api/auth/password", { current_password: current, new_password: next });
export const listProviders = () => get("/api/oauth");
export const listIdentities = () => get("/api/auth/identities");
export const linkIdentity = (provider) => post(`/api/oauth/${provider}/link`);
export const unlinkIdentity = (id) => call("DELETE", `/api/auth/identities/${id}`);
export const showDeviceLogin = (userCode) => get(withQuery("/api/auth/device", { user_code: userCode }));
export const decideDeviceLogin = (userCode, approve) => post("/device", { user_code: userCode, approve });
export const listSessions = () => get("/api/auth/sessions");
export const endSession = (id) => call("DELETE", `/api/auth/sessions/${id}`);
export const listTokens = () => get("/api/auth/tokens");
export const createToken = (request) => post("/api/auth/tokens", request);
export const revokeToken = (id) => call("DELETE", `/api/auth/tokens/${id}`);

// Conversations

export const listConversations = ({ archived, cursor, limit } = {}) =>
  get(withQuery("/api/conversations", { archived, cursor, limit }));
export const createConversation = (title, key) => post("/api/conversations", { title }, key);
export const showConversation = (id) => get(`/api/conversations/${id}`);
export const updateConversation = (id, changes) => call("PATCH", `/api/conversations/${id}`, changes);
export const deleteConversation = (id) => call("DELETE", `/api/conversations/${id}`);
export const removeParticipant = (id, userId) =>
  call("DELETE", `/api/conversations/${id}/participants/${userId}`);
export const exportPath = (id, format) => withQuery(`/api/conversations/${id}/export`, { format });
// Sends a file; only XMLHttpRequest says how much of it the server has read. `onProgress` gets a share.
export async function importConversations(file, onProgress, signal) {
  await me(); // refreshes the session: the file is sent only once
  const request = new XMLHttpRequest();
  request.open("POST", "/api/conversations/import");
  const headers = { "Content-Type": "application/octet-stream", "X-CSRF-TOKEN": csrfToken(), "Idempotency-Key": newKey() };
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
  signal.addEventListener("abort", () => request.abort());
  await new Promise((resolve) => {
    request.addEventListener("loadend", resolve);
    request.send(file);
  });
  if (!request.status) throw new Problem("The connection broke off; nothing was imported. Try again.");
  const response = new Response(request.responseText, { status: request.status });
  if (!response.ok) throw await problemOf(response);
  return response.json();
}
export const listThreads = (id, { cursor } = {}) =>
  get(withQuery(`/api/conversations/${id}/threads`, { cursor }));
export const listUnread = (id) => get(`/api/conversations/${id}/unread`);
export const listParticipants = (id) => get(`/api/conversations/${id}/participants`);
export const showPresence = (id) => get(`/api/conversations/${id}/presence`);
export const listInvites = (id, { limit } = {}) =>
  get(withQuery(`/api/conversations/${id}/invites`, { limit }));
export const createInvite = (id, request) => post(`/api/conversations/${id}/invites`, request);
export const acceptInvite = (token) => post("/api/invites/accept", { token });
export const revokeInvite = (id) => post(`/api/invites/${id}/revoke`);

// Threads and messages

// A key after the path of every message: paths are of 0-9, A-Z and a-z, and none begins so.
export const PATH_END = "zzzzzzzzzzzz";

// `place` is one of { cursor_path }, { before_path } and { around }, or empty for the first page.
export const listTree = (rootId, { limit, ...place } = {}) =>
  get(withQuery(`/api/threads/${rootId}/tree`, { render: "html", limit, ...place }));
export const listMessages = (rootId, { afterSeq, limit }) =>
  get(withQuery(`/api/threads/${rootId}/messages`, { after_seq: afterSeq, limit }));
export const getMessage = (id) => get(withQuery(`/api/messages/${id}`, { render: "html" }));
export const postRoot = (conversationId, content, key, model) =>
  post(`/api/threads/${conversationId}/root`, { content, model }, key);
export const reply = (parentId, content, key, model) =>
  post(`/api/messages/${parentId}/reply`, { content, model }, key);
export const cancel = (id) => post(`/api/messages/${id}/cancel`);
export const editMessage = (id, content) => post(`/api/messages/${id}/edit`, { content });
export const deleteMessage = (id) => post(`/api/messages/${id}/delete`);
export const restoreMessage = (id) => post(`/api/messages/${id}/restore`);
export const regenerateAnswer = (id, key, model) => post(`/api/messages/${id}/regenerate`, { model }, key);
export const listRevisions = (id) => get(`/api/messages/${id}/revisions`);
// `mark` is { seq }, or empty for all that there is.
export const markRead = (rootId, mark = {}) => post(`/api/threads/${rootId}/read`, mark);
export const markUnread = (rootId, messageId) =>
  post(`/api/threads/${rootId}/unread`, { message_id: messageId });

// Models

export const listModels = () => get("/api/models");

// Search

export const searchMessages = (text, { cursor } = {}) => get(withQuery("/api/search", { q: text, cursor }));

// Presence and typing

export const recordHeartbeat = () => post("/api/presence/heartbeat");
export const setTyping = (conversationId, rootId, seconds) =>
  post("/api/typing", { conversation_id: conversationId, root_id: rootId, seconds });

// The response of the event stream of all conversations; `positions` is the last event id that the
// page has of each conversation. It has no time limit, and the caller reads its status.
export function openStream(positions, signal) {
  const named = positions.map(([id, position]) => `${id}:${position}`).join(",");
  return fetch(withQuery("/api/stream", { positions: named || null }), {
    headers: { Accept: "text/event-stream" },
    cache: "no-store",
    signal,
  });
}
