"""Typed views of the event payloads that the server itself acts on.

Only the fields that listeners of the hub need are decoded; the payloads as clients get them are in
`rustygpt_shared.events`.
"""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.rows import EventRecord
from rustygpt_shared import codec
from rustygpt_shared.events import MembershipChangedPayload


class CreatedMessage(Struct, frozen=True):
    """The fields of a new message that the server needs."""

    root_id: UUID
    author_user_id: UUID | None = None
    """None if the assistant is the author."""


class _MessageNew(Struct, frozen=True):
    message: CreatedMessage


class MessageReference(Struct, frozen=True):
    """The fields of a changed message that the server needs."""

    id: UUID
    root_id: UUID


class ChangedMessage(Struct, frozen=True):
    """A message that a person changed."""

    message: MessageReference
    change: Literal["edited", "deleted", "restored"] | None = None
    """None for the final text of an answer."""


def parse_membership(event: EventRecord) -> MembershipChangedPayload | None:
    """Return the payload of a `membership.changed` event, or None for any other event."""
    if event.type != "membership.changed":
        return None
    return codec.decode(event.payload, MembershipChangedPayload)


def parse_new_message(event: EventRecord) -> CreatedMessage | None:
    """Return the message of a `message.new` event, or None for any other event."""
    if event.type != "message.new":
        return None
    return codec.decode(event.payload, _MessageNew).message


def parse_changed_message(event: EventRecord) -> ChangedMessage | None:
    """Return the payload of a `message.updated` event, or None for any other event."""
    if event.type != "message.updated":
        return None
    return codec.decode(event.payload, ChangedMessage)
