// Sends what the composer hands over, and shows it until its message is there.

import { getMessage } from "./api.js";
import { newThreadPlace } from "./drafts.js";
import { makePosts } from "./posts.js";
import { addMessage } from "./store.js";

// `parts` are those of the page; they are complete when the first message is sent.
export function makePosting(parts) {
  const { me, page, inBackground } = parts;
  const posts = makePosts({ me, onChange, onAcknowledged });
  const placeOf = () => parts.composer.place();

  function send({ place, target, after, content, model }) {
    const { state } = page;
    const lastSeq = Math.max(0, ...[...(state.trees.get(place)?.messages.values() ?? [])].map((e) => e.message.seq));
    const post = posts.submit({ conversationId: state.conversation.id, place, target, after, content, model });
    posts.at(place).find((entry) => entry.post === post).lastSeq = lastSeq;
    parts.onPosted();
    parts.navigation.showPost(post);
    return post.key;
  }

  function onChange({ post }) {
    if (post.place === placeOf()) parts.view?.redraw();
  }

  // The next message goes to the answer, if one begins, else to one's own.
  async function onAcknowledged(entry, posted, place) {
    const isOpen = place === placeOf() && page.isOpen;
    if (!entry.post.target && isOpen) await parts.navigation.openPosted(posted);
    await inBackground(() => showMessages(entry, posted));
  }

  async function showMessages({ post }, posted) {
    const state = parts.conversations.get(post.conversationId);
    const own = await find(state, posted.root_id, posted.message_id);
    const answer = posted.answer_id ? await find(state, posted.root_id, posted.answer_id) : null;
    parts.composer.onAcknowledged(post.key, answer ?? own);
    if (page.root !== posted.root_id || !page.isOpen) return posts.remove(post.key);
    await parts.navigation.showPosted(posted.message_id);
    posts.remove(post.key);
    parts.view.redraw();
  }

  // The message of the state, else fetched: without a connection its event does not come.
  async function find(state, root, id) {
    const known = state?.trees.get(root)?.messages.get(id)?.message;
    if (known) return known;
    const message = await getMessage(id);
    if (state) addMessage(state, message);
    return message;
  }

  // Only into an empty composer: two messages never become one.
  function takeBack(key) {
    if (parts.composer.hasText()) {
      return parts.composer.showProblem("Send or remove what is written here first.");
    }
    const entry = posts.takeBack(key);
    if (!entry) return;
    parts.composer.takeBack(entry.post);
    parts.view.redraw();
  }

  parts.posting = { posts, send, takeBack, newThreadPlace };
  return parts.posting;
}
