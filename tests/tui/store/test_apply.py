"""Events on states."""

import asyncio
from dataclasses import replace
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.acts import VERBS, act
from tests.support.room import ME, ROOM, Room, person

from rustygpt_shared import events
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import complete, load, with_tree
from rustygpt_tui.store.state import Changes, State


async def _follow(room: Room, state: State) -> State:
    """The state with everything applied that the room has told since the last time."""
    while room.passing:
        state, changes = apply(state, room.passing.pop(0))
        state = await complete(room, state, changes)
    return state


async def _opened(room: Room) -> State:
    state = await load(room, ROOM, ME)
    for root in room.threads:
        state = with_tree(state, await room.tree(root))
    room.passing.clear()
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
    st.tuples(st.sampled_from([*VERBS, *READER]), st.integers(0, 99), st.text(max_size=5)),
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
        room = Room(page=1_000)
        for verb, which, text in before:
            act(room, verb, which, text)
        room.passing.clear()
        state, fetched = await load(room, ROOM, ME), []
        for verb, which, text in after:
            roots = list(room.threads)
            if verb == "read all":
                state = await _follow(room, state)
            elif verb == "fetch a tree" and roots:
                fetched.append(await room.tree(roots[which % len(roots)]))
            elif verb == "merge it" and fetched:
                state = with_tree(state, fetched.pop())
            else:
                act(room, verb, which, text)
        state = await _follow(room, state)
        fresh = await load(room, ROOM, ME)
        for root in state.trees:
            fresh = with_tree(fresh, await room.tree(root))
        assert _durable(state) == _durable(fresh)

    asyncio.run(run())


PIECES = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), max_size=12)


@given(pieces=PIECES, data=st.data())
def test_deltas_may_repeat_be_merged_and_be_lost_until_a_whole_text_comes(
    pieces: list[str], data: st.DataObject
) -> None:
    """A tail never shows what was not written, and a whole text makes it whole."""

    async def run() -> None:
        room = Room()
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
    room = Room()
    root = room.post()
    state = await _opened(room)
    room.change(root, content="new")
    event = room.passing[0]
    once, first = apply(state, event)
    twice, second = apply(once, event)
    assert first.messages == {root}
    assert (twice, bool(second)) == (once, False)


async def test_an_answer_goes_from_row_to_deltas_to_its_final_text() -> None:
    """While an answer streams its text is its tail; the final text takes its place."""
    room = Room()
    root = room.post()
    state = await _opened(room)
    answer = room.post(root, role="assistant")
    room.write(answer, "Tea ")
    room.write(answer, "is 🍵")
    state = await _follow(room, state)
    message = state.message(answer)
    assert message is not None
    assert state.text_of(message) == "Tea is 🍵"
    room.finish(answer)
    state = await _follow(room, state)
    done = state.message(answer)
    assert done is not None
    assert (done.content, done.streaming, done.finish_reason) == ("Tea is 🍵", False, "stop")
    assert not state.tails


async def test_a_delta_copies_no_list() -> None:
    """A delta leaves every tree and list the very object it was."""
    room = Room()
    answer = room.post(room.post(), role="assistant")
    state = await _opened(room)
    room.write(answer, "a")
    state = await _follow(room, state)
    room.write(answer, "b")
    grown = await _follow(room, state)
    assert grown is state


async def test_a_delta_after_the_final_text_is_late_and_left_out() -> None:
    """A finished answer does not go back to being in progress."""
    room = Room()
    answer = room.post(room.post(), role="assistant")
    room.write(answer, "abc")
    room.finish(answer)
    state = await _opened(room)
    after, changes = apply(state, room.delta(answer, 0, "abcdef"))
    assert (after, bool(changes)) == (state, False)


async def test_done_without_a_final_text_keeps_the_tail() -> None:
    """What came of an answer stays when nothing else tells its text."""
    room = Room()
    root = room.post()
    answer = room.post(root, role="assistant")
    state = await _opened(room)
    room.write(answer, "half")
    room.tell(events.MessageDone, events.Finished(answer, root, ROOM, "error", 1))
    state = await _follow(room, state)
    message = state.message(answer)
    assert message is not None
    assert (message.content, message.finish_reason) == ("half", "error")


async def test_a_snapshot_within_an_answer_is_gone_on_from() -> None:
    """Deltas that go on where a snapshot's text ends are taken."""
    room = Room()
    answer = room.post(room.post(), role="assistant")
    room.messages[answer] = structs.replace(room.messages[answer], content="abc")
    state = await _opened(room)
    state, _ = apply(state, room.delta(answer, 3, "def"))
    message = state.message(answer)
    assert message is not None
    assert state.text_of(message) == "abcdef"


async def test_unread_counts_are_the_readers_own() -> None:
    """A count of somebody else's is nothing to this reader; 0 leaves no entry."""
    room = Room()
    root = room.post()
    state = await _opened(room)

    def count(who: UUID, unread: int) -> events.UnreadUpdate:
        return events.UnreadUpdate(events.UnreadCount(ROOM, root, who, unread))

    state, changes = apply(state, count(person(1), 5))
    assert not changes
    state, changes = apply(state, count(ME, 3))
    assert (state.total_unread, changes.unread) == (3, {root})
    state, _ = apply(state, count(ME, 0))
    assert dict(state.unread) == {}


async def test_messages_of_others_count_as_unread_as_they_come() -> None:
    """One's own do not, nor those that the fetched counts knew."""
    room = Room()
    root = room.post()
    state = await _opened(room)
    room.post(root)
    newer = replace(state, counted=99)
    for event in room.passing:
        state, _ = apply(state, event)
        newer, _ = apply(newer, event)
    assert (dict(state.unread), dict(newer.unread)) == ({root: 1}, {})
    room.passing.clear()
    reply = room.messages[room.post(root)]
    own = structs.replace(reply, author_user_id=ME)
    event = events.MessageNew(events.MessageShown(own), id="evt_50")
    state, changes = apply(state, event)
    assert (dict(state.unread), changes.unread) == ({root: 1}, frozenset())


async def test_a_reset_asks_for_everything() -> None:
    """After a reset the reader loads anew."""
    state = await _opened(Room())
    _, changes = apply(state, events.StreamReset(events.ResetAt("trimmed", "evt_9")))
    assert changes.lacking == {"all"}


async def test_losing_the_right_to_read_is_told() -> None:
    """Removal, by event or by the stream's end, makes the conversation gone."""
    room = Room()
    state = await _opened(room)
    closed = events.StreamClosed(events.Closing("removed"))
    gone = events.MembershipChanged(events.Membership(ROOM, ME, "removed"), id="evt_1")
    for event in (closed, gone):
        after, changes = apply(state, event)
        assert after.gone
        assert changes.gone


async def test_why_an_answer_failed_is_kept() -> None:
    """The error event after an answer's end is found by its message."""
    room = Room()
    answer = room.post(room.post(), role="assistant")
    state = await _opened(room)
    room.tell(events.ErrorEvent, events.Trouble("RGP.LLM", "No model answers.", answer))
    state = await _follow(room, state)
    assert state.troubles[answer].message == "No model answers."


def test_changes_add_up() -> None:
    """Changes of several events make one."""
    one = Changes(grown=frozenset({ME}), gone=True)
    both = one | Changes(grown=frozenset({ROOM}), info=True)
    assert both == Changes(grown=frozenset({ME, ROOM}), gone=True, info=True)
    assert not Changes()
