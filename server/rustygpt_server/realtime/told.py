"""What durable events tell those who watch them: only the fields that the server itself acts on."""

from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.rows import Logged
from rustygpt_shared import codec
from rustygpt_shared.events import Membership


class Written(Struct, frozen=True):
    """What matters of a new message."""

    root_id: UUID
    author_user_id: UUID | None = None
    """None for the assistant's."""


class _New(Struct, frozen=True):
    message: Written


def membership(event: Logged) -> Membership | None:
    """Whose membership an event is about; None for any other event."""
    if event.type != "membership.changed":
        return None
    return codec.decode(event.payload, Membership)


def written(event: Logged) -> Written | None:
    """The message that an event tells of for the first time; None for any other event."""
    if event.type != "message.new":
        return None
    return codec.decode(event.payload, _New).message
