// The dialog of the user's own sessions: where they are signed in, and ending one.

import { endSession, listSessions } from "./api.js";
import { makeDialogList } from "./dialog-list.js";
import { formatTime, withoutOverrides } from "./dom.js";

const list = makeDialogList("sessions", {
  fetchRows: async () => (await listSessions()).sessions.map(rowOf),
  emptyText: "You have no sessions.",
});

export const showSessions = list.open;

function rowOf({ id, current, user_agent: agent, address, last_seen_at: seen, issued_at: issued }) {
  const name = withoutOverrides(agent || "Unknown program");
  const row = { key: id, name, facts: [address, `seen ${formatTime(seen || issued)}`] };
  if (current) return { ...row, note: "this one" };
  return { ...row, label: "End", about: `the session of ${name}`, run: () => list.change(() => endSession(id)) };
}
