"""Rows that several topics answer with: pages, logged events, keys that make a request safe."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

T = TypeVar("T")


class IdempotencyKey(Struct, frozen=True):
    """An idempotency key, and the SHA-256 of the request it came with (32 bytes)."""

    key: str
    body_hash: bytes


class EventRecord(Struct, frozen=True):
    """A durable event as it is in the log; `payload` is JSON on one line."""

    conversation_id: UUID
    number: int
    type: str
    payload: str


class Page(Struct, Generic[T], frozen=True):
    """A piece of a list, and the conversation's last event number when it was read."""

    items: list[T]
    position: int
    more: bool
    """Whether the list goes on after the last item."""


def page(rows: Sequence[Sequence[Any]], from_row: Callable[..., T]) -> Page[T]:
    """A page of rows (position, more, *fields); an empty list is one row of NULL fields."""
    items = [from_row(*row[2:]) for row in rows if row[2] is not None]
    return Page(items, rows[0][0], bool(items) and rows[-1][1])


def event_records(
    conversation_id: UUID,
    numbers: Sequence[int],
    types: Sequence[str],
    payloads: Sequence[str],
) -> list[EventRecord]:
    """Events from the three parallel arrays that a writing procedure answers with."""
    told = zip(numbers, types, payloads, strict=True)
    return [EventRecord(conversation_id, number, kind, payload) for number, kind, payload in told]
