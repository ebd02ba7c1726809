// The composer: the text, and above it where it goes. Drafts and their targets are kept by place.

import { makeAttachments, withAttachments } from "./attachments.js";
import { makeComposerTools } from "./composer-tools.js";
import { byId, hide } from "./dom.js";
import { loadDraft, saveDraft } from "./drafts.js";
import { firstWords } from "./message-row.js";
import { nameOf } from "./names.js";
import * as targets from "./target.js";

const MESSAGE_MAX = 65_536; // characters, as the server counts them: code points

// `onSend({ place, target, after, content })` hands a message over and returns its key, `lastKey(place)`
// is the key of the last one that is still on its way; `isPlain(target)`
// says that the target goes without saying; `onTarget(id)` gets the message that is answered.
export function makeComposer({ me, onSend, lastKey, onTyped, onTarget, isPlain }) {
  const text = byId("text");
  let place = null;
  let isNewThread = false;
  let isReady = false; // whether the place is shown, so that a message can be sent
  let isSendWanted = false; // once it is
  let target = targets.newTarget();
  const attachments = makeAttachments(onAttached);
  const tools = makeComposerTools({ attach, onProblem: showProblem });
  const contentNow = () => withAttachments(text.value.trimEnd(), attachments.files());
  const hasContent = () => Boolean(text.value.trim()) || attachments.files().length > 0;

  // Shows the draft of a place: the root of a thread, or a new thread.
  function open(newPlace, { forNewThread = false, isReady: ready = true } = {}) {
    isReady = ready;
    isSendWanted = false;
    place = newPlace;
    isNewThread = forNewThread;
    const draft = place ? loadDraft(me.id, place) : null;
    target = targets.newTarget(draft?.target);
    if (!target.message && place) target.pendingKey = lastKey(place);
    attachments.set(draft?.attachments ?? []);
    setText(draft?.text ?? "");
    tools.showOffer();
    showProblem("");
  }

  // Adds a file of `{ name, text }` that takes the place of `replaced` characters of the text; throws when
  // the message would be too long.
  function attach(file, replaced = 0) {
    const length = lengthOf(withAttachments(text.value.trimEnd(), [...attachments.files(), file])) - replaced;
    if (length > MESSAGE_MAX) throw new Error(`${file.name} does not fit: ${tooLong(length)}`);
    attachments.add(file);
    onAttached();
  }

  function onAttached() {
    targets.setHasText(target, hasContent());
    showTarget();
    save();
  }

  // The place is shown. What was to be the first message of a thread goes there and nowhere else; the
  // target of another one has to be seen first.
  function setReady() {
    isReady = true;
    if (isSendWanted && isNewThread) send();
    else if (isSendWanted) showProblem("The thread is open now: look where the message goes, and press Enter again.");
    isSendWanted = false;
  }

  function setText(value) {
    text.value = value;
    targets.setHasText(target, hasContent());
    fitHeight();
    showTarget();
  }

  // For browsers without `field-sizing`.
  function fitHeight() {
    if (CSS.supports("field-sizing", "content")) return;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  }

  function save() {
    if (!place) return;
    const { message, isChosen } = target;
    const saved = message ? { message: targets.referenceTo(message), isChosen } : null;
    saveDraft(me.id, place, { text: text.value, attachments: attachments.files(), target: saved });
  }

  function showTarget() {
    const { message, isChosen, pendingKey, newer } = target;
    const isQuiet = pendingKey ? byId("target").hidden : !isChosen && isPlain(target);
    const isHidden = !place || isNewThread || isQuiet;
    const words = targetWords(target);
    if (byId("target-words").textContent !== words) byId("target-words").textContent = words;
    hide(byId("target"), isHidden, text);
    hide(byId("target-off"), !isChosen, text);
    hide(byId("target-newer"), !newer, text);
    if (newer) {
      const hint = `A newer message arrived (${nameOf(newer)}): answer it instead`;
      if (byId("target-newer").textContent !== hint) byId("target-newer").textContent = hint;
    }
    onTarget(isChosen && message ? message.id : null);
  }

  function changeTarget(change) {
    if (change() === false) return;
    showTarget();
    save();
  }

  function choose(message) {
    changeTarget(() => targets.choose(target, message));
    text.focus();
  }

  function chooseNewer() {
    changeTarget(() => targets.chooseNewer(target));
    text.focus();
  }

  function unchoose() {
    changeTarget(() => targets.unchoose(target));
    text.focus();
  }

  function send() {
    const content = contentNow();
    if (!content.trim() || !place || byId("composer").hidden) return;
    if (!isReady) {
      isSendWanted = true;
      return showProblem("The thread is still being opened.");
    }
    const after = target.pendingKey;
    if (!target.message && !after && !isNewThread) return showProblem("No message to answer is shown yet.");
    if (lengthOf(content) > MESSAGE_MAX) return showProblem(`${tooLong(lengthOf(content))} Shorten it, or send it in parts.`);
    showProblem("");
    const sent = isNewThread || after ? null : Object.freeze(targets.referenceTo(target.message));
    const key = onSend({ place, target: sent, after, content, model: tools.takeModel() });
    targets.onSent(target, key);
    attachments.set([]);
    setText("");
    save();
  }

  // The server has the message: the next one goes to `message`.
  function onAcknowledged(key, message) {
    if (!targets.onAcknowledged(target, key, message)) return;
    targets.setHasText(target, hasContent());
    showProblem("");
    showTarget();
    save();
  }

  // A post that was not sent comes back into the empty composer.
  function takeBack({ content, target: message, after }) {
    Object.assign(target, { message, isChosen: Boolean(message), pendingKey: after, newer: null });
    setText(content);
    save();
    text.focus();
  }

  // The text that was typed in a new thread while its first message was sent goes on in the thread.
  function moveTo(newPlace) {
    const typed = text.value;
    const files = attachments.files();
    text.value = "";
    attachments.set([]);
    save();
    attachments.set(files);
    place = newPlace;
    isNewThread = false;
    text.value = typed;
    save();
    showTarget();
  }

  // What does not fit is refused as a whole: text that is cut at the end may be sent unnoticed.
  function refuseTooLong(event) {
    const { data, inputType } = event;
    if (!data || !["insertFromPaste", "insertFromDrop"].includes(inputType)) return;
    const { selectionStart: start, selectionEnd: end, value } = text;
    if (lengthOf(value.slice(0, start) + data + value.slice(end)) <= MESSAGE_MAX) return;
    event.preventDefault();
    showProblem(`${tooLong(lengthOf(data))} Nothing was pasted.`);
  }

  function onInput() {
    targets.setHasText(target, hasContent());
    showTarget();
    save();
    fitHeight();
    onTyped(text.value);
  }

  function showProblem(words) {
    byId("composer-error").textContent = words;
  }

  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
    text.focus();
  });
  text.addEventListener("keydown", (event) => {
    if (event.altKey && event.key === "ArrowDown" && target.newer) {
      event.preventDefault();
      return chooseNewer();
    }
    if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
    event.preventDefault();
    if (!event.repeat) send();
  });
  text.addEventListener("input", onInput);
  text.addEventListener("beforeinput", refuseTooLong);
  byId("target-off").addEventListener("click", unchoose);
  byId("target-newer").addEventListener("click", chooseNewer);
  return {
    ...{ open, setReady, choose, onAcknowledged, takeBack, moveTo, showProblem },
    followView: (message) => targets.followView(target, message) && showTarget(),
    onShown: (message) => message && targets.refresh(target, message) && changeTarget(() => true),
    targetId: () => target.message?.id,
    onArrival: (message, isOwn) => targets.onArrival(target, message, isOwn) && showTarget(),
    hasText: hasContent,
    showModels: tools.showModels,
    hasTarget: () => target.message !== null,
    refresh: showTarget,
    place: () => place,
    focus: () => text.focus(),
  };
}

// Whether Enter belongs to an input method; Safari says it by the key code only.
const isComposing = (event) => event.isComposing || event.keyCode === 229;

function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

const tooLong = (length) =>
  `This text has ${length.toLocaleString("en")} characters; a message has at most ${MESSAGE_MAX.toLocaleString("en")}.`;

function targetWords({ message, pendingKey }) {
  if (pendingKey) return "↳ to your message that is being sent";
  if (message) return `↳ to ${nameOf(message)}: ${firstWords(message)}`;
  return "↳ …"; // until messages are shown
}
