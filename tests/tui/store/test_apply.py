"""Events on states."""

import asyncio
from dataclasses import replace
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id
from tests.support.model.random_actions import ACTIONS, perform

from rustygpt_shared import events
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import fetch_missing, load, with_tree
from rustygpt_tui.store.state import Changes, State


async def _follow(room: FakeConversation, state: State) -> State:
    """The state with everything applied that the room has told since the last time."""
    while room.sent:
        state, changes = apply(state, room.sent.pop(0))
        state = await fetch_missing(room, state, changes)
    return state


async def _opened(room: FakeConversation) -> State:
    state = await load(room, CONVERSATION_ID, ME)
    for root in room.threads:
        state = with_tree(state, await room.list_tree(root))
    room.sent.clear()
    return state


def _durable(state: State) -> object:
    return (
        state.info,
        dict(state.participants),
        state.threads,
        {root: list(tree) for root, tree in state.trees.items()},
        state.position,
    )


READER = ["read all", "fetch a tree", "merge it"]
STEPS = st.lists(
    st.tuples(st.sampled_from([*ACTIONS, *READER]), st.integers(0, 99), st.text(max_size=5)),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@example(
    before=[],
    after=[
        ("post", 0, ""),
        ("fetch a tree", 0, ""),
        ("reply", 0, ""),
        ("read all", 0, ""),
        ("merge it", 0, ""),
    ],
)
@given(before=STEPS, after=STEPS)
def test_a_state_and_events_make_the_state_freshly_fetched(
    before: list[tuple[str, int, str]], after: list[tuple[str, int, str]]
) -> None:
    """Whenever pages are fetched and merged, the end is what a fresh fetch tells."""

    async def run() -> None:
        room = FakeConversation(page_size=1_000)
        for verb, which, text in before:
            perform(room, verb, which, text)
        room.sent.clear()
        state, fetched = await load(room, CONVERSATION_ID, ME), []
        for verb, which, text in after:
            roots = list(room.threads)
            if verb == "read all":
                state = await _follow(room, state)
            elif verb == "fetch a tree" and roots:
                fetched.append(await room.list_tree(roots[which % len(roots)]))
            elif verb == "merge it" and fetched:
                state = with_tree(state, fetched.pop())
            else:
                perform(room, verb, which, text)
        state = await _follow(room, state)
        fresh = await load(room, CONVERSATION_ID, ME)
        for root in state.trees:
            fresh = with_tree(fresh, await room.list_tree(root))
        assert _durable(state) == _durable(fresh)

    asyncio.run(run())


PIECES = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), max_size=12)


@given(pieces=PIECES, data=st.data())
def test_deltas_may_repeat_be_merged_and_be_lost_until_a_whole_text_comes(
    pieces: list[str], data: st.DataObject
) -> None:
    """A tail never shows what was not written, and a whole text makes it whole."""

    async def run() -> None:
        room = FakeConversation()
        answer = room.post(room.post(), role="assistant")
        state, whole = await _opened(room), "".join(pieces)
        starts = [0]
        for piece in pieces:
            starts.append(starts[-1] + len(piece))
        for _ in range(data.draw(st.integers(0, 12))):
            first = data.draw(st.integers(0, len(pieces)))
            last = data.draw(st.integers(first, len(pieces)))
            text = whole[starts[first] : starts[last]]
            state, _ = apply(state, room.delta(answer, starts[first], text))
            message = state.message(answer)
            assert message is not None
            assert whole.startswith(state.text_of(message))
        state, _ = apply(state, room.delta(answer, 0, whole))
        assert state.text_of(room.messages[answer]) == whole

    asyncio.run(run())


async def test_an_event_that_is_had_changes_nothing() -> None:
    """An event is applied once, however often it comes."""
    room = FakeConversation()
    root = room.post()
    state = await _opened(room)
    room.change(root, content="new")
    event = room.sent[0]
    once, first = apply(state, event)
    twice, second = apply(once, event)
    assert first.messages == {root}
    assert (twice, bool(second)) == (once, False)


async def test_an_answer_goes_from_row_to_deltas_to_its_final_text() -> None:
    """While an answer streams its text is its tail; the final text takes its place."""
    room = FakeConversation()
    root = room.post()
    state = await _opened(room)
    answer = room.post(root, role="assistant")
    room.stream_text(answer, "Tea ")
    room.stream_text(answer, "is 🍵")
    state = await _follow(room, state)
    message = state.message(answer)
    assert message is not None
    assert state.text_of(message) == "Tea is 🍵"
    room.finish(answer)
    state = await _follow(room, state)
    done = state.message(answer)
    assert done is not None
    assert (done.content, done.streaming, done.finish_reason) == ("Tea is 🍵", False, "stop")
    assert not state.partials


async def test_a_delta_copies_no_list() -> None:
    """A delta leaves every tree and list the very object it was."""
    room = FakeConversation()
    answer = room.post(room.post(), role="assistant")
    state = await _opened(room)
    room.stream_text(answer, "a")
    state = await _follow(room, state)
    room.stream_text(answer, "b")
    grown = await _follow(room, state)
    assert grown is state


async def test_a_delta_after_the_final_text_is_late_and_left_out() -> None:
    """A finished answer does not go back to being in progress."""
    room = FakeConversation()
    answer = room.post(room.post(), role="assistant")
    room.stream_text(answer, "abc")
    room.finish(answer)
    state = await _opened(room)
    after, changes = apply(state, room.delta(answer, 0, "abcdef"))
    assert (after, bool(changes)) == (state, False)


async def test_done_without_a_final_text_keeps_the_tail() -> None:
    """What came of an answer stays when nothing else tells its text."""
    room = FakeConversation()
    root = room.post()
    answer = room.post(root, role="assistant")
    state = await _opened(room)
    room.stream_text(answer, "half")
    room.log_event(
        events.MessageDone, events.MessageDonePayload(answer, root, CONVERSATION_ID, "error", 1)
    )
    state = await _follow(room, state)
    message = state.message(answer)
    assert message is not None
    assert (message.content, message.finish_reason) == ("half", "error")


async def test_a_snapshot_within_an_answer_is_gone_on_from() -> None:
    """Deltas that go on where a snapshot's text ends are taken."""
    room = FakeConversation()
    answer = room.post(room.post(), role="assistant")
    room.messages[answer] = structs.replace(room.messages[answer], content="abc")
    state = await _opened(room)
    state, _ = apply(state, room.delta(answer, 3, "def"))
    message = state.message(answer)
    assert message is not None
    assert state.text_of(message) == "abcdef"


async def test_unread_counts_are_the_readers_own() -> None:
    """A count of somebody else's is nothing to this reader; 0 leaves no entry."""
    room = FakeConversation()
    root = room.post()
    state = await _opened(room)

    def count(who: UUID, unread: int) -> events.UnreadUpdate:
        return events.UnreadUpdate(events.UnreadUpdatePayload(CONVERSATION_ID, root, who, unread))

    state, changes = apply(state, count(person_id(1), 5))
    assert not changes
    state, changes = apply(state, count(ME, 3))
    assert (state.total_unread, changes.unread) == (3, {root})
    state, _ = apply(state, count(ME, 0))
    assert dict(state.unread) == {}


async def test_messages_of_others_count_as_unread_as_they_come() -> None:
    """One's own do not, nor those that the fetched counts knew."""
    room = FakeConversation()
    root = room.post()
    state = await _opened(room)
    room.post(root)
    newer = replace(state, unread_as_of=99)
    for event in room.sent:
        state, _ = apply(state, event)
        newer, _ = apply(newer, event)
    assert (dict(state.unread), dict(newer.unread)) == ({root: 1}, {})
    room.sent.clear()
    reply = room.messages[room.post(root)]
    own = structs.replace(reply, author_user_id=ME)
    event = events.MessageNew(events.MessagePayload(own), id="evt_50")
    state, changes = apply(state, event)
    assert (dict(state.unread), changes.unread) == ({root: 1}, frozenset())


async def test_a_reset_asks_for_everything() -> None:
    """After a reset the reader loads anew."""
    state = await _opened(FakeConversation())
    _, changes = apply(state, events.StreamReset(events.StreamResetPayload("trimmed", "evt_9")))
    assert changes.needs_fetch == {"all"}


async def test_losing_the_right_to_read_is_told() -> None:
    """Removal, by event or by the stream's end, makes the conversation gone."""
    room = FakeConversation()
    state = await _opened(room)
    closed = events.StreamClosed(events.StreamClosedPayload("removed"))
    gone = events.MembershipChanged(
        events.MembershipChangedPayload(CONVERSATION_ID, ME, "removed"), id="evt_1"
    )
    for event in (closed, gone):
        after, changes = apply(state, event)
        assert after.left
        assert changes.left


async def test_why_an_answer_failed_is_kept() -> None:
    """The error event after an answer's end is found by its message."""
    room = FakeConversation()
    answer = room.post(room.post(), role="assistant")
    state = await _opened(room)
    room.log_event(events.ErrorEvent, events.ErrorPayload("RGP.LLM", "No model answers.", answer))
    state = await _follow(room, state)
    assert state.errors[answer].message == "No model answers."


def test_changes_add_up() -> None:
    """Changes of several events make one."""
    one = Changes(streamed=frozenset({ME}), left=True)
    both = one | Changes(streamed=frozenset({CONVERSATION_ID}), info=True)
    assert both == Changes(streamed=frozenset({ME, CONVERSATION_ID}), left=True, info=True)
    assert not Changes()
