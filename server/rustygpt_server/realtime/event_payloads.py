"""What durable events tell those who watch them: only the fields that the server itself acts on."""

from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.rows import EventRecord
from rustygpt_shared import codec
from rustygpt_shared.events import MembershipChangedPayload


class CreatedMessage(Struct, frozen=True):
    """What matters of a new message."""

    root_id: UUID
    author_user_id: UUID | None = None
    """None for the assistant's."""


class _MessageNew(Struct, frozen=True):
    message: CreatedMessage


def parse_membership(event: EventRecord) -> MembershipChangedPayload | None:
    """Whose membership an event is about; None for any other event."""
    if event.type != "membership.changed":
        return None
    return codec.decode(event.payload, MembershipChangedPayload)


def parse_new_message(event: EventRecord) -> CreatedMessage | None:
    """The message that an event tells of for the first time; None for any other event."""
    if event.type != "message.new":
        return None
    return codec.decode(event.payload, _MessageNew).message
