// The texts of answers in progress, assembled from deltas. Deltas are addressed by an offset, so
// that they may be repeated and overlap.

const MAX_ANSWERS = 128;

// The text of a delta with what is known already; returns the new text, or null without progress.
// Offsets count code points; the length of a JavaScript string counts UTF-16 units.
export function mergeDelta(known, delta) {
  const characters = [...delta.choices.map((choice) => choice.delta.content || "").join("")];
  const overlap = known.length - delta.offset;
  if (overlap < 0 || overlap >= characters.length) return null;
  return {
    text: known.text + characters.slice(overlap).join(""),
    length: known.length + characters.length - overlap,
  };
}

// All answers in progress, so that a tab that comes later gets their texts from the beginning.
export function makeAnswers() {
  const answers = new Map(); // by message: the text so far and the last delta

  function apply({ type, payload }) {
    if (type === "message.delta") grow(payload);
    if (type === "message.done") answers.delete(payload.message_id);
    if (type === "message.updated" && !payload.message.streaming) answers.delete(payload.message.id);
  }

  function grow(delta) {
    const known = answers.get(delta.message_id) ?? { text: "", length: 0 };
    const merged = mergeDelta(known, delta);
    if (!merged) return;
    answers.delete(delta.message_id);
    answers.set(delta.message_id, { ...merged, delta });
    if (answers.size > MAX_ANSWERS) answers.delete(answers.keys().next().value);
  }

  // As deltas that begin at offset 0; those of one conversation, or all.
  function list(conversationId) {
    return [...answers.values()]
      .filter(({ delta }) => !conversationId || delta.conversation_id === conversationId)
      .map(({ text, delta }) => ({
        type: "message.delta",
        payload: { ...delta, offset: 0, choices: [{ index: 0, delta: { content: text } }] },
      }));
  }

  return { apply, list };
}
