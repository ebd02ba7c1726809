// The texts of answers in progress, assembled from deltas. Deltas are addressed by an offset, so
// that they may be repeated and overlap.

const MAX_ANSWERS = 128;

// The text before the first delta: `length` counts code points, a JavaScript string counts UTF-16 units.
export const newPartial = (text = "", reasoning = "") => ({
  ...{ text, length: [...text].length },
  ...{ reasoning, reasoningLength: [...reasoning].length },
});

// The new end of a text at `offset`, or null when there is none, or something before it is missing.
function newEnd(length, offset, text) {
  const characters = [...text];
  const overlap = length - offset;
  if (overlap < 0 || overlap >= characters.length) return null;
  return { text: characters.slice(overlap).join(""), length: characters.length - overlap };
}

const joined = (delta, field) => delta.choices.map((choice) => choice.delta[field] || "").join("");

// The texts of a delta with what is known already; null without progress.
export function mergeDelta(known, delta) {
  const content = newEnd(known.length, delta.offset, joined(delta, "content"));
  const reasoning = newEnd(known.reasoningLength, delta.reasoning_offset ?? 0, joined(delta, "reasoning"));
  if (!content && !reasoning) return null;
  return {
    text: known.text + (content?.text ?? ""),
    length: known.length + (content?.length ?? 0),
    reasoning: known.reasoning + (reasoning?.text ?? ""),
    reasoningLength: known.reasoningLength + (reasoning?.length ?? 0),
  };
}

// All answers in progress, so that a tab that comes later gets their states and texts from the beginning.
export function makeAnswers() {
  const answers = new Map(); // by message: the texts so far and the last delta
  const statuses = new Map(); // by message

  function apply({ type, payload }) {
    if (type === "message.delta") grow(payload);
    if (type === "answer.status") put(statuses, payload.message_id, payload);
    if (type === "message.done") forget(payload.message_id);
    if (type === "message.updated" && !payload.message.streaming) forget(payload.message.id);
  }

  function forget(id) {
    answers.delete(id);
    statuses.delete(id);
  }

  function put(map, id, value) {
    map.delete(id);
    map.set(id, value);
    if (map.size > MAX_ANSWERS) map.delete(map.keys().next().value);
  }

  function grow(delta) {
    const merged = mergeDelta(answers.get(delta.message_id) ?? newPartial(), delta);
    if (merged) put(answers, delta.message_id, { ...merged, delta });
  }

  // As events whose deltas begin at offset 0; those of one conversation, or all.
  function list(conversationId) {
    const isListed = (payload) => !conversationId || payload.conversation_id === conversationId;
    const states = [...statuses.values()].map((payload) => ({ type: "answer.status", payload }));
    const deltas = [...answers.values()].map(({ text, reasoning, delta }) => ({
      type: "message.delta",
      payload: { ...delta, offset: 0, reasoning_offset: 0, choices: [{ index: 0, delta: { content: text, reasoning } }] },
    }));
    return [...states, ...deltas].filter(({ payload }) => isListed(payload));
  }

  return { apply, list };
}
