// Who is there and who is writing: what is told of this page's reader, and what is shown of others.

import { post } from "./api.js";
import { byId } from "./dom.js";

const BEAT_MS = 30_000;
const TELL_MS = 4_000;
const SHOWN_SECONDS = 10; // longer than it takes until it is told again

// A hidden page is silent: whoever looks at nothing else is shown as away soon.
export function startBeating(quietly) {
  const beat = () => document.hidden || quietly(() => post("/api/presence/heartbeat"));
  beat();
  setInterval(beat, BEAT_MS);
  document.addEventListener("visibilitychange", beat);
}

// What others are told of one's own writing: at its begin, every few seconds, and at its end.
export function makeTurn() {
  let thread = null;
  let toldAt = 0;

  async function tell(conversation, root, seconds) {
    const body = { conversation_id: conversation, root_id: root, seconds };
    await post("/api/typing", body).catch(() => {}); // nobody misses it
  }

  function typed(conversation, root, text) {
    if (!text.trim()) {
      if (thread === root) tell(conversation, root, 0);
      thread = null;
    } else if (thread !== root || Date.now() - toldAt >= TELL_MS) {
      [thread, toldAt] = [root, Date.now()];
      tell(conversation, root, SHOWN_SECONDS);
    }
  }

  return { typed, sent: () => (thread = null) };
}

let looking = 0;

// The page knows people by what they have written here.
export function showWriters(state, root) {
  const now = performance.now();
  const writing = [...(state?.typing ?? [])].filter(([, turn]) => turn.root === root && turn.until > now);
  clearTimeout(looking);
  if (writing.length) {
    const next = Math.min(...writing.map(([, turn]) => turn.until));
    looking = setTimeout(() => showWriters(state, root), next - now + 1);
  }
  const known = [...(state?.trees.get(root)?.messages.values() ?? [])].map((entry) => entry.message);
  const name = (person) => known.find((one) => one.author_user_id === person)?.author_name;
  const [first] = writing;
  const words =
    writing.length > 1
      ? `${writing.length} people are writing …`
      : first && `${name(first[0]) ?? "Somebody"} is writing …`;
  byId("writers").textContent = words || "";
  byId("writers").hidden = !words;
}
