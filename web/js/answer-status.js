// What is said about an answer in progress: its place in the queue, how long the model has been
// silent, how fast it writes; and what was left out of its prompt.

const encoder = new TextEncoder();

const ORDINALS = { one: "st", two: "nd", few: "rd", other: "th" };
const rules = new Intl.PluralRules("en", { type: "ordinal" });

// An estimate of tokens, as the server makes it: four ASCII characters, or one of three bytes.
const estimateTokens = (text) => (3 * encoder.encode(text).length - [...text].length) / 8;

// The texts of an answer, with its rate, which changes once per second at most. The first part of a text
// may have been written long ago: the rate counts what came after it.
export function withRate(known, merged, now) {
  if (!known.startedAt) return { ...merged, startedAt: now, tokens: 0, rate: 0, ratedAt: now };
  const added = merged.text.slice(known.text.length) + merged.reasoning.slice(known.reasoning.length);
  const { startedAt, ratedAt } = known;
  const tokens = known.tokens + estimateTokens(added);
  if (now - ratedAt < 1_000) return { ...merged, startedAt, tokens, rate: known.rate, ratedAt };
  return { ...merged, startedAt, tokens, rate: Math.round((1_000 * tokens) / (now - startedAt)), ratedAt: now };
}

// What a row says of an answer: its progress while it is written, and what the model did not get.
export function progressOf({ statuses, partials }, message) {
  const status = statuses.get(message.id);
  return {
    progress: message.streaming ? progressWords(status, partials.get(message.id), performance.now()) : "",
    omitted: omittedWords(message.omitted_messages ?? status?.omitted_messages),
  };
}

// The state of an answer in progress in words; `status` and `partial` may be missing.
function progressWords(status, partial, now) {
  if (status?.state === "queued") return queueWords(status.queue_position);
  if (!partial?.length && !partial?.reasoningLength) {
    const waited = status ? Math.floor((now - status.receivedAt) / 1_000) : 0;
    return waited > 0 ? `waiting for the model, ${waited} s` : "answering …";
  }
  const words = [partial.length ? "answering …" : "thinking …"];
  if (status?.first_token_ms !== undefined) words.push(`first text after ${seconds(status.first_token_ms)} s`);
  if (partial.rate) words.push(`about ${partial.rate} tokens/s`);
  return words.join(" · ");
}

function queueWords(position) {
  if (!position) return "waiting in line";
  if (position === 1) return "next in line";
  return `${position}${ORDINALS[rules.select(position)]} in line`;
}

const seconds = (milliseconds) => (milliseconds / 1_000).toFixed(1);

function omittedWords(count) {
  if (!count) return "";
  return `${count} earlier message${count === 1 ? "" : "s"} did not fit into the model's context.`;
}
