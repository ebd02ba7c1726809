"""The page's store obeys the terminal's law: state + events = the state fetched afresh."""

import random
from typing import Any

import pytest
from msgspec import to_builtins
from playwright.async_api import Page
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation
from tests.support.model.random_actions import ACTIONS, perform

pytestmark = pytest.mark.xdist_group("live")

STEPS = """async ([before, steps, after]) => {
  const store = await import("/js/store.js");
  const load = (snapshot) => {
    const state = store.newState(snapshot.conversation, { id: snapshot.me });
    store.addThreads(state, snapshot.threads);
    for (const tree of snapshot.trees) store.addTree(state, tree);
    return state;
  };
  const summary = (state) => JSON.stringify([
    state.position,
    state.conversation.title,
    store.sortedThreads(state).map((t) => [t.root_id, t.message_count, t.last_activity_at]),
    [...state.trees].map(([root, tree]) => [root, store.sortedMessages(tree).map((m) =>
      [m.id, m.content, m.finish_reason ?? null, Boolean(m.streaming)])]).sort(),
  ]);
  const state = load(before);
  for (const [kind, value] of steps) {
    if (kind === "event") store.apply(state, value);
    else store.addTree(state, value);
  }
  return [summary(state), summary(load(after))];
}"""


async def _snapshot(fake: FakeConversation, roots: list[Any]) -> dict[str, Any]:
    """Return the snapshots of the conversation and of these threads, as JSON values."""
    return {
        "me": str(ME),
        "conversation": to_builtins(await fake.show_conversation(CONVERSATION_ID)),
        "threads": to_builtins(await fake.list_threads(CONVERSATION_ID)),
        "trees": [to_builtins(await fake.list_tree(root)) for root in roots],
    }


async def _history(seed: int) -> list[Any]:
    """Return the first snapshot, steps of events and late pages, and the last snapshot."""
    random_ = random.Random(seed)
    fake = FakeConversation(page_size=1_000)
    for _ in range(random_.randrange(12)):
        perform(fake, random_.choice(ACTIONS), random_.randrange(99), "a🍵")
    loaded = [root for root in fake.threads if random_.random() < 0.5]
    before = await _snapshot(fake, loaded)
    steps: list[Any] = []
    late_pages: list[Any] = []
    fake.sent.clear()
    for _ in range(60):
        perform(fake, random_.choice(ACTIONS), random_.randrange(99), random_.choice("tea🍵 "))
        if fake.threads and random_.random() < 0.2:
            root = random_.choice(list(fake.threads))
            late_pages.append(await fake.list_tree(root))
        if random_.random() < 0.5:
            steps += [["event", to_builtins(event)] for event in fake.sent]
            fake.sent.clear()
        if late_pages and random_.random() < 0.3:
            page = late_pages.pop(0)
            loaded.append(page.root_id)
            steps.append(["page", to_builtins(page)])
    steps += [["event", to_builtins(event)] for event in fake.sent]
    return [before, steps, await _snapshot(fake, list(dict.fromkeys(loaded)))]


async def test_a_state_plus_events_equals_the_state_fetched_afresh(
    fresh_origin: str, page: Page
) -> None:
    """In whatever order pages and events arrive."""
    await page.goto(fresh_origin)
    for seed in range(40):
        state, fresh = await page.evaluate(STEPS, await _history(seed))
        assert state == fresh, seed
