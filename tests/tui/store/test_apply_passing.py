"""Events of presence and of writing on states: they have no number and are never fetched again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import structs
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


def _seen(who: UUID, status: Status) -> events.PresenceUpdate:
    return events.PresenceUpdate(UserPresence(who, status, START))


def _typing(who: UUID, root: UUID, until: datetime = START) -> events.TypingUpdate:
    return events.TypingUpdate(events.TypingUpdatePayload(CONVERSATION_ID, root, who, until))


async def _room() -> tuple[FakeConversation, State, UUID]:
    room = FakeConversation()
    room.add(EVE, "member")
    root = room.post()
    return room, await load(room, CONVERSATION_ID, ME), root


async def test_presence_is_kept_by_person() -> None:
    """The list of participants has the first of it; what is known already changes nothing."""
    _, state, _ = await _room()
    assert dict(state.presence) == {ME: "offline", EVE: "offline"}
    after, changes = apply(state, _seen(EVE, "away"))
    assert (after.presence[EVE], changes.presence, after.position) == ("away", True, state.position)
    assert not apply(after, _seen(EVE, "away"))[1]


async def test_others_write_until_they_are_told_to_have_stopped() -> None:
    """One's own writing is no news, nor is an end in a thread that somebody has left."""
    _, state, root = await _room()
    other = UUID(int=77)
    assert not apply(state, _typing(ME, root))[1]
    state, changes = apply(state, _typing(EVE, root, datetime.now(UTC) + timedelta(seconds=9)))
    assert (state.typing_users(root), changes.typing) == ([EVE], {root})
    assert not apply(state, _typing(EVE, root))[1], "told again, nothing new is to be seen"
    state, changes = apply(state, _typing(EVE, other))
    assert (state.typing_users(root), state.typing_users(other)) == ([], [EVE])
    assert changes.typing == {root, other}
    assert not apply(state, _typing(EVE, root, TYPING_STOPPED))[1]
    state, changes = apply(state, _typing(EVE, other, TYPING_STOPPED))
    assert (dict(state.typing), changes.typing) == ({}, {other})


async def test_a_message_ends_the_writing_of_it() -> None:
    """In its own thread, without waiting for the server to say so."""
    room, state, root = await _room()
    state, _ = apply(state, _typing(EVE, root))
    message = room.messages[room.post(root)]
    by_me = structs.replace(message, author_user_id=ME)
    by_eve = structs.replace(message, author_user_id=EVE)
    state, _ = apply(state, events.MessageNew(events.MessagePayload(by_me), id="evt_50"))
    assert state.typing_users(root) == [EVE]
    state, changes = apply(state, events.MessageNew(events.MessagePayload(by_eve), id="evt_51"))
    assert (state.typing_users(root), changes.typing) == ([], {root})


async def test_who_is_removed_is_neither_there_nor_writing() -> None:
    """Nothing of the person stays."""
    _, state, root = await _room()
    state, _ = apply(state, _seen(EVE, "online"))
    state, _ = apply(state, _typing(EVE, root))
    gone = events.MembershipChanged(
        events.MembershipChangedPayload(CONVERSATION_ID, EVE, "removed"), id="evt_50"
    )
    state, changes = apply(state, gone)
    assert (EVE in state.presence, dict(state.typing), changes.typing) == (False, {}, {root})
