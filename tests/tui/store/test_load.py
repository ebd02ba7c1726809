"""Building a state from snapshots."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id

from rustygpt_shared.models.conversations import UNREAD_MAX, ThreadUnread, UnreadList
from rustygpt_shared.models.messages import ReadMarkerResult
from rustygpt_tui.store.apply import apply, with_reading
from rustygpt_tui.store.load import (
    fetch_missing,
    load,
    reload,
    with_ahead,
    with_mark_result,
    with_threads,
    with_tree,
    with_unread,
)
from rustygpt_tui.store.reading import with_seen
from rustygpt_tui.store.state import Changes


async def test_a_loaded_state_has_the_conversation_and_its_first_threads() -> None:
    """Title, role, position, threads by activity, and the cursor for the next page."""
    fake = FakeConversation(page_size=2)
    first, second, third = fake.post(text="a"), fake.post(text="b"), fake.post(text="c")
    fake.post(first)
    state = await load(fake, CONVERSATION_ID, ME)
    assert (state.info.title, state.role, state.position) == ("Tea", "owner", fake.position)
    assert [t.root_id for t in state.threads] == [first, third]
    state = with_threads(
        state, await fake.list_threads(CONVERSATION_ID, cursor=state.threads_cursor)
    )
    assert [t.root_id for t in state.threads] == [first, third, second]
    assert state.threads_cursor is None


async def test_a_reload_fetches_as_many_threads_as_before() -> None:
    """Messages are fetched again when they are shown; what was seen stays seen."""
    fake = FakeConversation(page_size=2)
    root = fake.post()
    for _ in range(6):
        fake.post()
    state = await load(fake, CONVERSATION_ID, ME)
    while cursor := state.threads_cursor:
        state = with_threads(state, await fake.list_threads(CONVERSATION_ID, cursor=cursor))
    state = with_tree(state, await fake.list_tree(root))
    state, _ = with_reading(state, root, with_seen(state.readings[root], [1]))
    fake.post(root, text="missed")
    reloaded = await reload(fake, state)
    assert len(reloaded.threads) == 7
    assert not reloaded.trees
    assert reloaded.position == fake.position
    assert reloaded.readings[root].seen == {1}


async def test_data_that_events_lack_is_fetched() -> None:
    """The name of a new participant, and a thread from a later page of the list."""
    fake = FakeConversation(page_size=1)
    older = fake.post(text="older")
    fake.post(text="newer")
    state = await load(fake, CONVERSATION_ID, ME)
    assert state.thread(older) is None
    fake.sent.clear()
    fake.post(older)
    fake.add(person_id(1), "member")
    changes = Changes()
    for event in fake.sent:
        state, more = apply(state, event)
        changes |= more
    assert changes.needs_fetch == {"threads", "participants"}
    cursor = state.threads_cursor
    state = await fetch_missing(fake, state, changes)
    assert state.thread(older) is not None
    assert person_id(1) in state.participants
    assert state.threads_cursor == cursor


async def test_an_old_page_of_threads_does_not_undo_activity() -> None:
    """A summary with an earlier last activity is ignored."""
    fake = FakeConversation()
    root = fake.post()
    page = await fake.list_threads(CONVERSATION_ID)
    fake.post(root)
    state = await load(fake, CONVERSATION_ID, ME)
    assert with_threads(state, page).threads == state.threads


async def test_fetched_counts_replace_earlier_ones() -> None:
    """Threads that are not listed have no unread messages."""
    fake = FakeConversation()
    first = fake.post()
    second = fake.post()
    state = await load(fake, CONVERSATION_ID, ME)
    state = with_unread(state, UnreadList([ThreadUnread(first, 2, 0)], fake.position))
    state = with_unread(state, UnreadList([ThreadUnread(second, UNREAD_MAX, 0)], fake.position))
    assert (state.unread(first), state.unread(second)) == (0, UNREAD_MAX)
    assert state.total_unread == UNREAD_MAX
    assert with_mark_result(state, ReadMarkerResult(second, 0, 1)).unread(second) == 0


@given(
    shape=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    steps=st.lists(st.tuples(st.sampled_from(["around", "after", "before"]), st.integers(0, 99))),
)
def test_windows_in_any_order_are_parts_of_the_thread(
    shape: list[int], steps: list[tuple[str, int]]
) -> None:
    """Each loaded range has all messages of the thread between its ends."""

    async def run() -> None:
        fake = FakeConversation(page_size=3)
        ids = [fake.post()]
        for parent in shape:
            ids.append(fake.post(ids[parent % len(ids)]))
        root = ids[0]
        state = await load(fake, CONVERSATION_ID, ME)
        for kind, which in steps:
            tree = state.trees.get(root)
            if kind == "around" or tree is None:
                page = await fake.list_tree(root, around=ids[which % len(ids)])
                state = with_tree(state, page)
            else:
                loaded = tree.ranges[which % len(tree.ranges)]
                if kind == "after" and not loaded.has_end:
                    page = await fake.list_tree(root, cursor=loaded.end)
                    state = with_tree(state, page, after=loaded.end)
                elif kind == "before" and not loaded.has_start:
                    page = await fake.list_tree(root, before=loaded.start)
                    state = with_tree(state, page, before=loaded.start)
        whole = sorted(fake.messages.values(), key=lambda m: m.path)
        tree = state.trees.get(root)
        for loaded in tree.ranges if tree else ():
            expected = [m for m in whole if loaded.covers(m.path)]
            assert tree is not None
            assert list(tree.within(loaded)) == expected

    asyncio.run(run())


async def test_messages_above_the_mark_are_known_also_when_events_overtake_their_page() -> None:
    """A message that arrives while the page is fetched follows those of the page."""
    fake = FakeConversation()
    root = fake.post()
    fake.post(root)
    state = await load(fake, CONVERSATION_ID, ME)
    state = with_tree(state, await fake.list_tree(root))
    page = await fake.list_messages(root)
    fake.sent.clear()
    late = fake.post(root)
    for event in fake.sent:
        state, _ = apply(state, event)
    state = with_ahead(state, page, after_seq=0)
    assert [m.seq for m in state.readings[root].unseen] == [1, 2, 3]
    assert state.readings[root].unseen[-1].id == late
    assert state.readings[root].is_complete


async def test_a_page_with_the_final_text_ends_the_partial_answer() -> None:
    """An answer that is finished on a page is no longer in progress."""
    fake = FakeConversation()
    root = fake.post()
    answer = fake.post(root, role="assistant")
    state = with_tree(await load(fake, CONVERSATION_ID, ME), await fake.list_tree(root))
    state, _ = apply(state, fake.delta(answer, 0, "abc"))
    fake.messages[answer] = structs.replace(fake.messages[answer], content="x", streaming=False)
    fake.log.append(fake.log[-1])
    state = with_tree(state, await fake.list_tree(root))
    assert not state.partials
    message = state.message(answer)
    assert message is not None
    assert state.text_of(message) == "x"


async def test_an_event_that_came_before_an_older_page_is_kept() -> None:
    """A message that arrives while the page is being fetched is not lost."""
    fake = FakeConversation()
    root = fake.post()
    state = await load(fake, CONVERSATION_ID, ME)
    page = await fake.list_tree(root)
    fake.sent.clear()
    reply = fake.post(root)
    for event in fake.sent:
        state, _ = apply(state, event)
    state = with_tree(state, page)
    assert [m.id for m in state.trees[root]] == [root, reply]
    assert not state.unplaced


async def test_a_thread_without_unread_messages_is_read() -> None:
    """Also where the messages above the mark are known: it moved elsewhere meanwhile."""
    fake = FakeConversation()
    root = fake.post()
    fake.post(root)
    state = await load(fake, CONVERSATION_ID, ME)
    state = with_ahead(state, await fake.list_messages(root), after_seq=0)
    assert state.unread(root) == 2
    state = with_unread(state, UnreadList([], fake.position))
    assert state.unread(root) == 0
    fake.sent.clear()
    fake.post(root)
    for event in fake.sent:
        state, _ = apply(state, event)
    assert state.unread(root) == 1
