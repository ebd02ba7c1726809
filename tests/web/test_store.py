"""The page's store keeps the same law as the terminal's: state + events = state freshly fetched."""

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
  const load = (told) => {
    const state = store.newState(told.conversation, { id: told.me });
    store.addThreads(state, told.threads);
    for (const tree of told.trees) store.addTree(state, tree);
    return state;
  };
  const shown = (state) => JSON.stringify([
    state.position,
    state.conversation.title,
    store.sortedThreads(state).map((t) => [t.root_id, t.message_count, t.last_activity_at]),
    [...state.trees].map(([root, tree]) => [root, store.sortedMessages(tree).map((m) =>
      [m.id, m.content, m.finish_reason ?? null, Boolean(m.streaming)])]).sort(),
  ]);
  const state = load(before);
  for (const [kind, told] of steps) {
    if (kind === "event") store.apply(state, told);
    else store.addTree(state, told);
  }
  return [shown(state), shown(load(after))];
}"""


async def _told(room: FakeConversation, roots: list[Any]) -> dict[str, Any]:
    return {
        "me": str(ME),
        "conversation": to_builtins(await room.show_conversation(CONVERSATION_ID)),
        "threads": to_builtins(await room.list_threads(CONVERSATION_ID)),
        "trees": [to_builtins(await room.list_tree(root)) for root in roots],
    }


async def _history(seed: int) -> list[Any]:
    """A beginning, what happened with pages that came late, and the end as a fetch tells it."""
    chance, room = random.Random(seed), FakeConversation(page_size=1_000)
    for _ in range(chance.randrange(12)):
        perform(room, chance.choice(ACTIONS), chance.randrange(99), "a🍵")
    loaded = [root for root in room.threads if chance.random() < 0.5]
    before, steps, late = await _told(room, loaded), [], []
    room.sent.clear()
    for _ in range(60):
        perform(room, chance.choice(ACTIONS), chance.randrange(99), chance.choice("tea🍵 "))
        if room.threads and chance.random() < 0.2:
            root = chance.choice(list(room.threads))
            late.append(await room.list_tree(root))
        if chance.random() < 0.5:
            steps += [["event", to_builtins(event)] for event in room.sent]
            room.sent.clear()
        if late and chance.random() < 0.3:
            page = late.pop(0)
            loaded.append(page.root_id)
            steps.append(["page", to_builtins(page)])
    steps += [["event", to_builtins(event)] for event in room.sent]
    return [before, steps, await _told(room, list(dict.fromkeys(loaded)))]


async def test_whatever_happens_the_page_ends_where_a_fetch_would(
    fresh_origin: str, page: Page
) -> None:
    """In whatever order pages and events come."""
    await page.goto(fresh_origin)
    for seed in range(40):
        state, fresh = await page.evaluate(STEPS, await _history(seed))
        assert state == fresh, seed
