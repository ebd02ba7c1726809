"""What events tell those who watch them."""

from uuid import UUID

from tests.support.components.hub_harness import CONVERSATION_ID, membership
from tests.support.fakes.fake_conversation import ME, FakeConversation

from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime import event_payloads
from rustygpt_shared import codec
from rustygpt_shared.events import MembershipChangedPayload


def _message() -> EventRecord:
    room = FakeConversation()
    root = room.post()
    payload = {"message": room.messages[root]}
    return EventRecord(CONVERSATION_ID, 2, "message.new", codec.encode(payload).decode())


def test_a_membership_is_told_by_its_own_event_only() -> None:
    """Any other event is about nobody's."""
    assert event_payloads.parse_membership(
        membership(1, ME, "removed")
    ) == MembershipChangedPayload(CONVERSATION_ID, ME, "removed")
    assert event_payloads.parse_membership(_message()) is None


def test_a_new_message_is_told_by_its_own_event_only() -> None:
    """With its thread, and who wrote it."""
    assert event_payloads.parse_new_message(_message()) == event_payloads.CreatedMessage(
        UUID(int=1_001)
    )
    assert event_payloads.parse_new_message(membership(1, ME, "added")) is None
