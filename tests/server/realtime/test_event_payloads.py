"""Typed views of event payloads."""

from uuid import UUID

from tests.support.components.hub_harness import CONVERSATION_ID, membership
from tests.support.fakes.fake_conversation import ME, FakeConversation

from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.event_payloads import (
    CreatedMessage,
    parse_membership,
    parse_new_message,
)
from rustygpt_shared import codec
from rustygpt_shared.events import MembershipChangedPayload


def _new_message() -> EventRecord:
    conversation = FakeConversation()
    root = conversation.post()
    payload = {"message": conversation.messages[root]}
    return EventRecord(CONVERSATION_ID, 2, "message.new", codec.encode(payload).decode())


def test_a_membership_is_parsed_from_its_own_event_only() -> None:
    """Any other event has none."""
    expected = MembershipChangedPayload(CONVERSATION_ID, ME, "removed")

    assert parse_membership(membership(1, ME, "removed")) == expected
    assert parse_membership(_new_message()) is None


def test_a_new_message_is_parsed_from_its_own_event_only() -> None:
    """With its thread and its author."""
    assert parse_new_message(_new_message()) == CreatedMessage(UUID(int=1_001))
    assert parse_new_message(membership(1, ME, "added")) is None
