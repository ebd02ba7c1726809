"""Building a state from snapshots."""

from msgspec import structs
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id

from rustygpt_shared.models.conversations import UNREAD_MAX, ThreadUnread, UnreadList
from rustygpt_shared.models.messages import ReadMarkerResult
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import (
    fetch_missing,
    load,
    reload,
    with_read_marker,
    with_threads,
    with_tree,
    with_unread,
    without_tree,
)
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


async def test_a_reload_fetches_as_much_as_before() -> None:
    """The same pages are fetched again, with the messages that were missed."""
    fake = FakeConversation(page_size=2)
    root = fake.post()
    for _ in range(4):
        fake.post(root)
    for _ in range(2):
        fake.post()
    state = await load(fake, CONVERSATION_ID, ME)
    state = with_threads(
        state, await fake.list_threads(CONVERSATION_ID, cursor=state.threads_cursor)
    )
    state = with_tree(state, await fake.list_tree(root))
    while cursor := state.trees[root].cursor:
        state = with_tree(state, await fake.list_tree(root, cursor=cursor))
    fake.post(root, text="missed")
    reloaded = await reload(fake, state)
    assert len(reloaded.threads) == 3
    assert len(reloaded.trees[root]) == 6
    assert reloaded.position == fake.position


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
    state = with_unread(state, UnreadList([ThreadUnread(first, 2)], "evt_0"))
    state = with_unread(state, UnreadList([ThreadUnread(second, UNREAD_MAX)], "evt_0"))
    assert dict(state.unread) == {second: UNREAD_MAX}
    assert dict(with_read_marker(state, ReadMarkerResult(second, 0), second).unread) == {}
    assert state.total_unread == UNREAD_MAX


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


async def test_a_thread_can_be_unloaded() -> None:
    """Its messages are dropped, its summary in the list stays."""
    fake = FakeConversation()
    root = fake.post()
    state = with_tree(await load(fake, CONVERSATION_ID, ME), await fake.list_tree(root))
    state = without_tree(state, root)
    assert root not in state.trees
    assert state.thread(root) is not None
