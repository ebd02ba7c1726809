"""States from snapshots."""

from msgspec import structs
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id

from rustygpt_shared.models.conversations import ThreadUnread, UnreadList
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


async def test_a_loaded_state_knows_the_conversation_and_its_first_threads() -> None:
    """Title, role, participants, threads by activity, and where to go on."""
    room = FakeConversation(page_size=2)
    first, second, third = room.post(text="a"), room.post(text="b"), room.post(text="c")
    room.post(first)
    state = await load(room, CONVERSATION_ID, ME)
    assert (state.info.title, state.role, state.position) == ("Tea", "owner", room.position)
    assert [t.root_id for t in state.threads] == [first, third]
    state = with_threads(
        state, await room.list_threads(CONVERSATION_ID, cursor=state.threads_cursor)
    )
    assert [t.root_id for t in state.threads] == [first, third, second]
    assert state.threads_cursor is None


async def test_a_reload_fetches_as_much_as_there_was() -> None:
    """After a reset the same pages are there again, with what was missed."""
    room = FakeConversation(page_size=2)
    root = room.post()
    for _ in range(4):
        room.post(root)
    for _ in range(2):
        room.post()
    state = await load(room, CONVERSATION_ID, ME)
    state = with_threads(
        state, await room.list_threads(CONVERSATION_ID, cursor=state.threads_cursor)
    )
    state = with_tree(state, await room.list_tree(root))
    while cursor := state.trees[root].cursor:
        state = with_tree(state, await room.list_tree(root, cursor=cursor))
    room.post(root, text="missed")
    again = await reload(room, state)
    assert len(again.threads) == 3
    assert len(again.trees[root]) == 6
    assert again.position == room.position


async def test_what_events_tell_too_little_of_is_fetched() -> None:
    """A newcomer's name, and a thread from further down the list."""
    room = FakeConversation(page_size=1)
    deep = room.post(text="deep")
    room.post(text="high")
    state = await load(room, CONVERSATION_ID, ME)
    assert state.thread(deep) is None
    room.sent.clear()
    room.post(deep)
    room.add(person_id(1), "member")
    changes = Changes()
    for event in room.sent:
        state, more = apply(state, event)
        changes |= more
    assert changes.needs_fetch == {"threads", "participants"}
    cursor = state.threads_cursor
    state = await fetch_missing(room, state, changes)
    assert state.thread(deep) is not None
    assert person_id(1) in state.participants
    assert state.threads_cursor == cursor


async def test_an_old_page_of_threads_does_not_undo_activity() -> None:
    """A summary older than what is known is left out."""
    room = FakeConversation()
    root = room.post()
    page = await room.list_threads(CONVERSATION_ID)
    room.post(root)
    state = await load(room, CONVERSATION_ID, ME)
    assert with_threads(state, page).threads == state.threads


async def test_counts_are_fetched_whole() -> None:
    """Fetched counts take the place of all that were known."""
    room = FakeConversation()
    one, two = room.post(), room.post()
    state = await load(room, CONVERSATION_ID, ME)
    state = with_unread(state, UnreadList([ThreadUnread(one, 2)], "evt_0"))
    state = with_unread(state, UnreadList([ThreadUnread(two, 1_000)], "evt_0"))
    assert dict(state.unread) == {two: 1_000}
    assert dict(with_read_marker(state, ReadMarkerResult(two, 0), two).unread) == {}
    assert state.total_unread == 1_000


async def test_a_page_with_the_final_text_ends_the_tail() -> None:
    """An answer that a page shows finished is no longer in progress."""
    room = FakeConversation()
    root = room.post()
    answer = room.post(root, role="assistant")
    state = with_tree(await load(room, CONVERSATION_ID, ME), await room.list_tree(root))
    state, _ = apply(state, room.delta(answer, 0, "abc"))
    room.messages[answer] = structs.replace(room.messages[answer], content="x", streaming=False)
    room.log.append(room.log[-1])
    state = with_tree(state, await room.list_tree(root))
    assert not state.partials
    message = state.message(answer)
    assert message is not None
    assert state.text_of(message) == "x"


async def test_a_page_older_than_an_event_is_completed_by_it() -> None:
    """A message that came while the page was on its way is not lost."""
    room = FakeConversation()
    root = room.post()
    state = await load(room, CONVERSATION_ID, ME)
    page = await room.list_tree(root)
    room.sent.clear()
    reply = room.post(root)
    for event in room.sent:
        state, _ = apply(state, event)
    state = with_tree(state, page)
    assert [m.id for m in state.trees[root]] == [root, reply]
    assert not state.unplaced


async def test_a_thread_may_be_let_go() -> None:
    """Its messages are forgotten, its place in the list is not."""
    room = FakeConversation()
    root = room.post()
    state = with_tree(await load(room, CONVERSATION_ID, ME), await room.list_tree(root))
    state = without_tree(state, root)
    assert root not in state.trees
    assert state.thread(root) is not None
