// The dialog of the user's own sessions: where they are signed in, and ending one.

import { endSession, listSessions } from "./api.js";
import { byId, formatTime, h, withoutOverrides } from "./dom.js";

export function showSessions() {
  byId("sessions-close").onclick = () => byId("sessions-dialog").close();
  byId("sessions-list").replaceChildren();
  byId("sessions-dialog").showModal();
  refresh();
}

async function refresh(ended = null) {
  byId("sessions-error").textContent = "";
  try {
    if (ended) await endSession(ended);
    const { sessions } = await listSessions();
    byId("sessions-list").replaceChildren(...sessions.map(row));
  } catch (problem) {
    if (problem.status === 401) location.reload();
    byId("sessions-error").textContent = problem.message;
  }
}

function row({ id, current, user_agent: agent, address, last_seen_at: seen, issued_at: issued }) {
  const name = withoutOverrides(agent || "Unknown program");
  const facts = [address, `seen ${formatTime(seen || issued)}`].filter(Boolean).join(" · ");
  const end = h("button", { type: "button", "aria-label": `End the session of ${name}`, onclick: () => refresh(id) }, "End");
  return h(
    "li",
    { class: "session" },
    h("span", { class: "agent" }, name, h("br"), h("span", { class: "quiet" }, facts)),
    current ? h("span", { class: "quiet" }, "this one") : end,
  );
}
