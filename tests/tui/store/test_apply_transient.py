"""Applying transient events: presence and typing, which have no number and are not logged."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.support.fakes.fake_conversation import (
    CONVERSATION_ID,
    ME,
    START,
    FakeConversation,
    person_id,
)

from rustygpt_shared import events
from rustygpt_shared.models.presence import TYPING_STOPPED, Status, UserPresence
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import load
from rustygpt_tui.store.state import State

EVE = person_id(1)


def _presence(user_id: UUID, status: Status) -> events.PresenceUpdate:
    return events.PresenceUpdate(UserPresence(user_id, status, START))


def _typing(user_id: UUID, root: UUID, until: datetime = START) -> events.TypingUpdate:
    return events.TypingUpdate(events.TypingUpdatePayload(CONVERSATION_ID, root, user_id, until))


async def _with_eve() -> tuple[FakeConversation, State, UUID]:
    """Return a conversation with Eve in it, its state, and the root of a thread."""
    fake = FakeConversation()
    fake.add(EVE, "member")
    root = fake.post()
    return fake, await load(fake, CONVERSATION_ID, ME), root


async def test_presence_is_kept_by_user() -> None:
    """It starts with the list of participants; a repeated status changes nothing."""
    _, state, _ = await _with_eve()
    assert dict(state.presence) == {ME: "offline", EVE: "offline"}
    after, changes = apply(state, _presence(EVE, "away"))
    assert (after.presence[EVE], changes.presence, after.position) == ("away", True, state.position)
    assert not apply(after, _presence(EVE, "away"))[1]


async def test_others_type_until_an_event_says_that_they_stopped() -> None:
    """The reader's own typing is ignored, and so is an end in another thread."""
    _, state, root = await _with_eve()
    other_root = UUID(int=77)
    assert not apply(state, _typing(ME, root))[1]
    state, changes = apply(state, _typing(EVE, root, datetime.now(UTC) + timedelta(seconds=9)))
    assert (state.typing_users(root), changes.typing) == ([EVE], {root})
    assert not apply(state, _typing(EVE, root))[1], "a renewed indicator changes nothing"
    state, changes = apply(state, _typing(EVE, other_root))
    assert (state.typing_users(root), state.typing_users(other_root)) == ([], [EVE])
    assert changes.typing == {root, other_root}
    assert not apply(state, _typing(EVE, root, TYPING_STOPPED))[1]
    state, changes = apply(state, _typing(EVE, other_root, TYPING_STOPPED))
    assert (dict(state.typing), changes.typing) == ({}, {other_root})


async def test_a_message_ends_the_typing_of_its_author() -> None:
    """In its thread, without an event from the server."""
    fake, state, root = await _with_eve()
    state, _ = apply(state, _typing(EVE, root))
    fake.sent.clear()
    fake.post(root, author=ME)
    for event in fake.sent:
        state, _ = apply(state, event)
    assert state.typing_users(root) == [EVE]
    fake.sent.clear()
    fake.post(root, author=EVE)
    state, changes = apply(state, fake.sent[0])
    assert (state.typing_users(root), changes.typing) == ([], {root})


async def test_a_removed_user_has_no_presence_and_does_not_type() -> None:
    """Both are dropped from the state."""
    fake, state, root = await _with_eve()
    state, _ = apply(state, _presence(EVE, "online"))
    state, _ = apply(state, _typing(EVE, root))
    fake.sent.clear()
    fake.remove(EVE)
    state, changes = apply(state, fake.sent[0])
    assert (EVE in state.presence, dict(state.typing), changes.typing) == (False, {}, {root})
