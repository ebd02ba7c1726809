"""What events tell those who watch them."""

from uuid import UUID

from tests.support.event_log import ROOM, membership
from tests.support.room import ME, Room

from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime import told
from rustygpt_shared import codec
from rustygpt_shared.events import Membership


def _message() -> Logged:
    room = Room()
    root = room.post()
    payload = {"message": room.messages[root]}
    return Logged(ROOM, 2, "message.new", codec.encode(payload).decode())


def test_a_membership_is_told_by_its_own_event_only() -> None:
    """Any other event is about nobody's."""
    assert told.membership(membership(1, ME, "removed")) == Membership(ROOM, ME, "removed")
    assert told.membership(_message()) is None


def test_a_new_message_is_told_by_its_own_event_only() -> None:
    """With its thread, and who wrote it."""
    assert told.written(_message()) == told.Written(UUID(int=1_001))
    assert told.written(membership(1, ME, "added")) is None
