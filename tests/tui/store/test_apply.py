"""Applying events to a state."""

import asyncio
from dataclasses import replace
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id
from tests.support.model.random_actions import ACTIONS, perform

from rustygpt_shared import events
from rustygpt_shared.models.messages import MessageError
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import fetch_missing, load, with_tree
from rustygpt_tui.store.state import Changes, State


async def _apply_new(fake: FakeConversation, state: State) -> State:
    """Return the state with all new events of the fake conversation applied."""
    while fake.sent:
        state, changes = apply(state, fake.sent.pop(0))
        state = await fetch_missing(fake, state, changes)
    return state


async def _load_all(fake: FakeConversation) -> State:
    """Return the state with every thread loaded; its events count as seen."""
    state = await load(fake, CONVERSATION_ID, ME)
    for root in fake.threads:
        state = with_tree(state, await fake.list_tree(root))
    fake.sent.clear()
    return state


def _durable(state: State) -> object:
    """Return the part of a state that the law covers."""
    return (
        state.info,
        dict(state.participants),
        state.threads,
        {root: list(tree) for root, tree in state.trees.items()},
        state.position,
    )


CLIENT_ACTIONS = ["apply events", "fetch a page", "merge the page"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*ACTIONS, *CLIENT_ACTIONS]), st.integers(0, 99), st.text(max_size=5)
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@example(
    before=[],
    after=[
        ("post", 0, ""),
        ("fetch a page", 0, ""),
        ("reply", 0, ""),
        ("apply events", 0, ""),
        ("merge the page", 0, ""),
    ],
)
@given(before=STEPS, after=STEPS)
def test_a_state_plus_events_equals_the_state_fetched_afresh(
    before: list[tuple[str, int, str]], after: list[tuple[str, int, str]]
) -> None:
    """At whatever time pages are fetched and merged."""

    async def run() -> None:
        fake = FakeConversation(page_size=1_000)
        for action, which, text in before:
            perform(fake, action, which, text)
        fake.sent.clear()
        state = await load(fake, CONVERSATION_ID, ME)
        fetched = []
        for action, which, text in after:
            roots = list(fake.threads)
            if action == "apply events":
                state = await _apply_new(fake, state)
            elif action == "fetch a page" and roots:
                fetched.append(await fake.list_tree(roots[which % len(roots)]))
            elif action == "merge the page" and fetched:
                state = with_tree(state, fetched.pop())
            else:
                perform(fake, action, which, text)
        state = await _apply_new(fake, state)
        fresh = await load(fake, CONVERSATION_ID, ME)
        for root in state.trees:
            fresh = with_tree(fresh, await fake.list_tree(root))
        assert _durable(state) == _durable(fresh)

    asyncio.run(run())


PARTS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), max_size=12)


@given(parts=PARTS, data=st.data())
def test_deltas_may_be_repeated_merged_and_lost_until_the_full_text_arrives(
    parts: list[str], data: st.DataObject
) -> None:
    """The partial text is always a beginning of the text, and a full text completes it."""

    async def run() -> None:
        fake = FakeConversation()
        answer = fake.post(fake.post(), role="assistant")
        state = await _load_all(fake)
        full_text = "".join(parts)
        starts = [0]
        for part in parts:
            starts.append(starts[-1] + len(part))
        for _ in range(data.draw(st.integers(0, 12))):
            first = data.draw(st.integers(0, len(parts)))
            last = data.draw(st.integers(first, len(parts)))
            text = full_text[starts[first] : starts[last]]
            state, _ = apply(state, fake.delta(answer, starts[first], text))
            message = state.message(answer)
            assert message is not None
            assert full_text.startswith(state.text_of(message))
        state, _ = apply(state, fake.delta(answer, 0, full_text))
        assert state.text_of(fake.messages[answer]) == full_text

    asyncio.run(run())


async def test_an_event_is_applied_once() -> None:
    """A repeated event changes nothing."""
    fake = FakeConversation()
    root = fake.post()
    state = await _load_all(fake)
    fake.change(root, content="new")
    event = fake.sent[0]
    once, first = apply(state, event)
    twice, second = apply(once, event)
    assert first.messages == {root}
    assert (twice, bool(second)) == (once, False)


async def test_an_answer_streams_until_its_final_text() -> None:
    """The final text replaces the partial text."""
    fake = FakeConversation()
    root = fake.post()
    state = await _load_all(fake)
    answer = fake.post(root, role="assistant")
    fake.stream_text(answer, "Tea ")
    fake.stream_text(answer, "is 🍵")
    state = await _apply_new(fake, state)
    message = state.message(answer)
    assert message is not None
    assert state.text_of(message) == "Tea is 🍵"
    fake.finish(answer)
    state = await _apply_new(fake, state)
    done = state.message(answer)
    assert done is not None
    assert (done.content, done.streaming, done.finish_reason) == ("Tea is 🍵", False, "stop")
    assert not state.partials


async def test_a_delta_copies_no_list() -> None:
    """The state stays the same object."""
    fake = FakeConversation()
    answer = fake.post(fake.post(), role="assistant")
    state = await _load_all(fake)
    fake.stream_text(answer, "a")
    state = await _apply_new(fake, state)
    fake.stream_text(answer, "b")
    after = await _apply_new(fake, state)
    assert after is state


async def test_a_delta_after_the_final_text_is_ignored() -> None:
    """A finished answer does not change."""
    fake = FakeConversation()
    answer = fake.post(fake.post(), role="assistant")
    fake.stream_text(answer, "abc")
    fake.finish(answer)
    state = await _load_all(fake)
    after, changes = apply(state, fake.delta(answer, 0, "abcdef"))
    assert (after, bool(changes)) == (state, False)


async def test_an_end_without_a_final_text_keeps_the_partial_text() -> None:
    """No other event contains the text."""
    fake = FakeConversation()
    root = fake.post()
    answer = fake.post(root, role="assistant")
    state = await _load_all(fake)
    fake.stream_text(answer, "half")
    fake.log_event(
        events.MessageDone, events.MessageDonePayload(answer, root, CONVERSATION_ID, "error", 1)
    )
    state = await _apply_new(fake, state)
    message = state.message(answer)
    assert message is not None
    assert (message.content, message.finish_reason) == ("half", "error")


async def test_deltas_continue_the_text_of_a_snapshot() -> None:
    """A delta at the end of the snapshot's text is appended."""
    fake = FakeConversation()
    answer = fake.post(fake.post(), role="assistant")
    fake.messages[answer] = structs.replace(fake.messages[answer], content="abc")
    state = await _load_all(fake)
    state, _ = apply(state, fake.delta(answer, 3, "def"))
    message = state.message(answer)
    assert message is not None
    assert state.text_of(message) == "abcdef"


async def test_unread_counts_are_the_readers_own() -> None:
    """Counts of other users are ignored."""
    fake = FakeConversation()
    root = fake.post()
    state = await _load_all(fake)

    def unread_update(user_id: UUID, unread: int) -> events.UnreadUpdate:
        return events.UnreadUpdate(
            events.UnreadUpdatePayload(CONVERSATION_ID, root, user_id, unread, 0)
        )

    state, changes = apply(state, unread_update(person_id(1), 5))
    assert not changes
    state, changes = apply(state, unread_update(ME, 3))
    assert (state.total_unread, changes.unread) == (3, {root})
    state, _ = apply(state, unread_update(ME, 0))
    assert state.unread(root) == 0


async def test_new_messages_of_others_count_as_unread() -> None:
    """The reader's own do not, nor those that the fetched counts contain."""
    fake = FakeConversation()
    root = fake.post()
    state = await _load_all(fake)
    before = state.unread(root)
    fake.post(root)
    newer = replace(state, unread_as_of=99)
    for event in fake.sent:
        state, _ = apply(state, event)
        newer, _ = apply(newer, event)
    assert (state.unread(root), newer.unread(root)) == (before + 1, before)
    fake.sent.clear()
    fake.post(root, author=ME)
    for event in fake.sent:
        state, _ = apply(state, event)
    assert state.unread(root) == before + 1


async def test_a_gap_in_the_numbers_needs_everything_fetched() -> None:
    """The event is not applied, as others before it were lost."""
    fake = FakeConversation()
    root = fake.post()
    state = await _load_all(fake)
    fake.change(root, content="lost")
    fake.change(root, content="new")
    after, changes = apply(state, fake.sent[1])
    assert (after, changes.needs_fetch) == (state, {"all"})


async def test_a_reset_needs_everything_fetched() -> None:
    """The caller then reloads the conversation."""
    state = await _load_all(FakeConversation())
    _, changes = apply(state, events.StreamReset(events.StreamResetPayload("trimmed", "evt_9")))
    assert changes.needs_fetch == {"all"}


async def test_a_removal_is_reported() -> None:
    """By an event, or by the reason of the stream's end."""
    fake = FakeConversation()
    state = await _load_all(fake)
    closed = events.StreamClosed(events.StreamClosedPayload("removed"))
    removed = events.MembershipChanged(
        events.MembershipChangedPayload(CONVERSATION_ID, ME, "removed"), id="evt_1"
    )
    for event in (closed, removed):
        after, changes = apply(state, event)
        assert after.left
        assert changes.left


async def test_the_reason_of_a_failure_is_part_of_the_message() -> None:
    """The event that repeats it changes nothing."""
    fake = FakeConversation()
    answer = fake.post(fake.post(), role="assistant")
    state = await _load_all(fake)
    fake.change(answer, streaming=False, error=MessageError("RGP.LLM", "No model answers."))
    error = events.ErrorPayload("RGP.LLM", "No model answers.", CONVERSATION_ID, message_id=answer)
    fake.log_event(events.ErrorEvent, error)
    state = await _apply_new(fake, state)
    message = state.message(answer)
    assert message is not None
    assert message.error is not None
    assert message.error.message == "No model answers."


def test_changes_can_be_combined() -> None:
    """`|` unites the sets and flags of two changes."""
    one = Changes(streamed=frozenset({ME}), left=True)
    both = one | Changes(streamed=frozenset({CONVERSATION_ID}), info=True)
    assert both == Changes(streamed=frozenset({ME, CONVERSATION_ID}), left=True, info=True)
    assert not Changes()
