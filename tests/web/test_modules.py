"""Functions of the page that have no DOM of their own, with random inputs, in the browser."""

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.xdist_group("live")

RANDOM = """
  let seed = SEED;
  const random = (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
"""
WINDOW = (
    """async () => {
  const store = await import("/js/store.js");
  const windows = await import("/js/thread-window.js");
"""
    + RANDOM
    + """
  // The server: all messages by path, and a number that counts its events.
  let number = 0;
  const all = [];
  const events = [];
  const post = () => {
    const parent = all[random(all.length)];
    const path = (parent?.path ?? "") + String.fromCharCode(65 + random(26)) + all.length;
    const id = `m${all.length}`;
    number += 1;
    const seq = all.length + 1;
    const message = { id, root_id: "r", path, seq, content: "0", author_user_id: "b" };
    all.push(message);
    events.push({ type: "message.new", id: `evt_${number}`, payload: { message: { ...message } } });
  };
  const edit = () => {
    const message = all[random(all.length)];
    number += 1;
    message.content = String(number);
    const payload = { message: { ...message } };
    events.push({ type: "message.updated", id: `evt_${number}`, payload });
  };
  const sorted = () => [...all].sort((a, b) => (a.path < b.path ? -1 : 1));
  const pageOf = (from, to) => {
    const list = sorted();
    const messages = list.slice(Math.max(0, from), to).map((message) => ({ ...message }));
    return {
      root_id: "r",
      messages,
      last_event_id: `evt_${number}`,
      prev_cursor: from > 0 ? messages[0]?.path : undefined,
      next_cursor: to < list.length ? messages.at(-1)?.path : undefined,
    };
  };
  for (let count = 0; count < 40; count += 1) post();
  const state = store.newState({ id: "c", last_event_id: `evt_${number}` }, { id: "a" });
  events.length = 0;
  let late = null; // a page that was read and has not arrived
  const request = () => {
    const tree = state.trees.get("r");
    const list = sorted();
    const kind = ["replace", "prev", "next"][random(3)];
    if (!tree || kind === "replace") {
      const from = random(list.length);
      return ["replace", pageOf(from, from + 8), undefined];
    }
    if (!tree[kind]) return null;
    const at = list.findIndex(({ path }) => path === tree[kind]);
    const page = kind === "prev" ? pageOf(at - 8, at) : pageOf(at + 1, at + 9);
    return [kind, page, tree];
  };
  for (let step = 0; step < 300; step += 1) {
    if (random(3) === 0) post();
    if (random(4) === 0) edit();
    if (!late && random(3) === 0) late = request();
    if (random(2)) for (const event of events.splice(0, 1 + random(3))) store.apply(state, event);
    if (late && random(2)) {
      const [side, page, tree] = late;
      if (!tree || state.trees.get("r") === tree) store.addTree(state, page, side);
      late = null;
    }
    if (random(20) === 0 && state.trees.get("r")?.order.length > 20) {
      windows.forgetFar(state.trees.get("r"), random(2) ? "next" : "prev", 20);
    }
  }
  for (const event of events) store.apply(state, event);
  const tree = state.trees.get("r");
  const shown = store.sortedMessages(tree);
  const first = tree.prev ? shown[0].path : "";
  const last = tree.next ? shown.at(-1).path : "~";
  const expected = sorted().filter(({ path }) => path >= first && path <= last);
  const summary = (messages) => messages.map(({ id, content }) => `${id}=${content}`).join(" ");
  return [summary(shown), summary(expected)];
}"""
)
READING = (
    """async () => {
  const reading = await import("/js/reading.js");
"""
    + RANDOM
    + """
  const all = [];
  const state = reading.newReading(0, "me");
  let mark = 0;
  const isUnread = ({ seq, author_user_id: author, seen }) =>
    seq > mark && author !== "me" && !seen;
  for (let step = 0; step < 400; step += 1) {
    if (random(2)) {
      const author = random(4) ? "other" : "me";
      const seq = all.length + 1;
      const message = { id: `m${seq}`, seq, path: "p", author_user_id: author };
      all.push(message);
      if (random(2)) reading.learn(state, message);
    }
    if (random(6) === 0) {
      const above = all.filter(({ seq }) => seq > state.knownUpTo).slice(0, 5);
      reading.learnPage(state, above);
    }
    if (all.length && random(2)) {
      const message = all[random(all.length)];
      if (reading.see(state, message)) message.seen = true;
    }
    const next = reading.markOf(state);
    const unread = all.find(isUnread);
    if (next < mark) return "the mark moved back";
    if (unread && next >= unread.seq) return `${next} is past the unread ${unread.seq}`;
    if (random(3) === 0) {
      mark = next;
      reading.setMark(state, mark);
    }
  }
  reading.learnPage(state, all.filter(({ seq }) => seq > state.knownUpTo));
  const first = all.find(isUnread);
  const expected = first ? first.seq - 1 : all.length;
  const end = reading.markOf(state);
  return end === expected ? "" : `the mark stays at ${end} of ${expected}`;
}"""
)
SSE = (
    """async () => {
  const { makeParser } = await import("/js/sse.js");
"""
    + RANDOM
    + """
  const lineEnd = () => ["\\n", "\\r\\n", "\\r"][random(3)];
  let text = "";
  const expected = [];
  for (let count = 0; count < 50; count += 1) {
    const end = lineEnd();
    if (random(3) === 0) text += `: a comment${end}`;
    if (random(5) === 0) text += `retry: 10${end}`;
    const lines = [`x${count}`, "", "y: z"].slice(0, 1 + random(3));
    text += `event: kind${count}${end}id: ${count}${end}`;
    for (const line of lines) text += `data:${random(2) ? " " : ""}${line}${end}`;
    text += end;
    expected.push([`kind${count}`, lines.join("\\n")]);
  }
  const received = [];
  const retries = [];
  const push = makeParser({
    onEvent: ({ type, data }) => received.push([type, data]),
    onRetry: (milliseconds) => retries.push(milliseconds),
  });
  for (let at = 0; at < text.length; ) {
    const size = 1 + random(9);
    push(text.slice(at, at + size));
    at += size;
  }
  push("\\n");
  return [JSON.stringify(received), JSON.stringify(expected)];
}"""
)
BLOCKS = (
    """async () => {
  const { makeBlocks } = await import("/js/blocks.js");
"""
    + RANDOM
    + r"""
  const parts = ["# Title\n", "text with **bold** and `code`\n", "\n", "- item\n", "  - nested\n",
    "1. first\n", "```js\n", "const a = 1;\n", "```\n", "> quoted\n", "| a | b |\n", "|---|---|\n",
    "---\n", "*", "**", "_x_", "<b>raw</b>", "[l](https://e.org)", "[j](javascript:alert(1))",
    "🍵"];
  let text = "";
  for (let count = 0; count < 60; count += 1) text += parts[random(parts.length)];
  const render = (pieces) => {
    const container = document.createElement("div");
    const blocks = makeBlocks(container);
    let shown = "";
    for (const piece of pieces) {
      shown += piece;
      blocks.setText(shown);
    }
    blocks.end();
    return container;
  };
  const characters = [...text];
  const pieces = [];
  while (characters.length) pieces.push(characters.splice(0, 1 + random(5)).join(""));
  const grown = render(pieces);
  const unsafe = grown.querySelector("b, script, img, a[href^='javascript']");
  return [unsafe ? unsafe.outerHTML : grown.innerHTML, render([text]).innerHTML];
}"""
)


async def test_a_window_is_a_part_of_the_thread_without_holes(
    fresh_origin: str, page: Page
) -> None:
    """However pages of either side, pages in place of all, and events interleave."""
    await page.goto(fresh_origin)
    for seed in range(60):
        shown, expected = await page.evaluate(WINDOW.replace("SEED", str(seed)))
        assert shown == expected, seed


async def test_the_mark_never_passes_an_unread_message(fresh_origin: str, page: Page) -> None:
    """And in the end it is right before the first one."""
    await page.goto(fresh_origin)
    for seed in range(60):
        assert await page.evaluate(READING.replace("SEED", str(seed))) == "", seed


async def test_events_are_parsed_from_any_pieces(fresh_origin: str, page: Page) -> None:
    """With all three line ends."""
    await page.goto(fresh_origin)
    for seed in range(40):
        received, expected = await page.evaluate(SSE.replace("SEED", str(seed)))
        assert received == expected, seed


async def test_a_text_has_the_same_blocks_however_it_grows(fresh_origin: str, page: Page) -> None:
    """And nothing in it becomes an element that Markdown does not have."""
    await page.goto(fresh_origin)
    for seed in range(60):
        grown, whole = await page.evaluate(BLOCKS.replace("SEED", str(seed)))
        assert grown == whole, seed


async def test_a_reply_keeps_its_target_whatever_arrives(fresh_origin: str, page: Page) -> None:
    """The states of a target: it follows the view, is frozen by text, and is chosen."""
    await page.goto(fresh_origin)
    states = await page.evaluate("""async () => {
      const t = await import("/js/target.js");
      const message = (id, seq) => ({ id, seq, depth: seq, content: id });
      const target = t.newTarget();
      const seen = [];
      const note = () => seen.push([target.message?.id ?? null, target.newer?.id ?? null]);
      t.followView(target, message("a", 1)); note();
      t.followView(target, null); note();
      t.setHasText(target, true);
      t.followView(target, message("b", 2)); note();
      t.onArrival(target, message("c", 3), false); note();
      t.onArrival(target, message("own", 4), true); note();
      t.setHasText(target, false); note();
      t.followView(target, message("b", 2)); note();
      t.choose(target, message("d", 5));
      t.followView(target, message("a", 1)); note();
      t.onSent(target, "key");
      t.followView(target, message("a", 1)); note();
      t.onAcknowledged(target, "key", message("answer", 6)); note();
      return seen;
    }""")
    assert states == [
        ["a", None],
        ["a", None],
        ["a", None],
        ["a", "c"],
        ["a", "c"],
        ["a", None],
        ["b", None],
        ["d", None],
        ["d", None],
        ["answer", None],
    ]


INBOX = (
    """async () => {
  const inbox = await import("/js/inbox.js");
"""
    + RANDOM
    + """
  // The server: conversations with a number of events each, and unread counts by thread.
  const me = { id: "me" };
  const all = new Map();
  let time = 0;
  const listed = () => [...all.values()].map((c) => ({
    id: c.id,
    title: c.title,
    unread: Math.min(1000, [...c.unread.values()].reduce((sum, count) => sum + count, 0)),
    last_activity_at: c.time,
    last_event_id: `evt_${c.number}`,
  }));
  const at = () => `t${String((time += 1)).padStart(6, "0")}`;
  const create = (id) => all.set(id, { id, title: id, time: at(), number: 1, unread: new Map() });
  ["a", "b", "c"].forEach(create);
  const state = inbox.newInbox(me);
  const toFetch = new Set();
  let list = null; // a list that was read and has not arrived, and the events since
  let received = null;
  inbox.setConversations(state, listed());
  const deliver = (event) => {
    received?.push(event);
    const { fetch, id } = inbox.applyToList(state, event);
    if (fetch) toFetch.add(fetch === "list" ? "list" : id);
  };
  for (let step = 0; step < 300; step += 1) {
    const c = [...all.values()][random(all.size)];
    const root = `r${random(3)}`;
    const author = random(3) ? "other" : "me";
    const kind = random(12);
    if (kind < 5) {
      c.number += 1;
      c.time = at();
      if (author !== "me") c.unread.set(root, (c.unread.get(root) ?? 0) + 1);
      const message = { id: `m${step}`, root_id: root, conversation_id: c.id, content: "x",
        created_at: c.time, author_user_id: author };
      deliver({ type: "message.new", id: `evt_${c.number}`, payload: { message } });
    } else if (kind < 8) {
      c.unread.set(root, random(3));
      deliver({ type: "unread.update", payload: { conversation_id: c.id, root_id: root,
        user_id: "me", unread: c.unread.get(root), read_seq: 1 } });
    } else if (kind === 8) {
      c.number += 1;
      c.title = `title ${step}`;
      const conversation = { id: c.id, title: c.title };
      deliver({ type: "conversation.updated", id: `evt_${c.number}`, payload: { conversation } });
    } else if (kind === 9 && all.size < 6) {
      create(`n${step}`);
      deliver({ type: "stream.reset", payload: { conversation_id: `n${step}`, reason: "joined" } });
    } else if (kind === 10 && all.size > 2) {
      all.delete(c.id);
      deliver({ type: "stream.reset", payload: { conversation_id: c.id, reason: "removed" } });
    } else if (list) {
      inbox.setConversations(state, list);
      const late = received;
      list = received = null;
      late.forEach(deliver);
    } else if (toFetch.has("list")) {
      toFetch.delete("list");
      list = listed();
      received = [];
    }
  }
  inbox.setConversations(state, list ?? listed());
  const late = received ?? [];
  received = null;
  late.forEach(deliver);
  if (toFetch.has("list")) inbox.setConversations(state, listed());
  for (const c of all.values()) {
    const threads = [...c.unread].map(([root_id, unread]) => ({ root_id, unread }));
    if (toFetch.has(c.id)) inbox.setUnreadByRoot(state, c.id, { threads });
  }
  const shown = inbox.sortedConversations(state)
    .map(({ id, title }) => `${id} ${title} ${state.entries.get(id).unread}`);
  const expected = listed()
    .sort((x, y) => (x.last_activity_at < y.last_activity_at ? 1 : -1))
    .map(({ id, title, unread }) => `${id} ${title} ${unread}`);
  return [shown.join(", "), expected.join(", ")];
}"""
)


async def test_the_list_plus_events_is_the_list_fetched_afresh(
    fresh_origin: str, page: Page
) -> None:
    """With conversations that are joined and left, and a list that arrives late."""
    await page.goto(fresh_origin)
    for seed in range(60):
        shown, expected = await page.evaluate(INBOX.replace("SEED", str(seed)))
        assert shown == expected, seed
