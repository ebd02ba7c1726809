"""Structs that several topics return: pages, events of the log, idempotency keys."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

T = TypeVar("T")


class IdempotencyKey(Struct, frozen=True):
    """An idempotency key, and the SHA-256 of the request that it came with (32 bytes)."""

    key: str
    body_hash: bytes


class EventRecord(Struct, frozen=True):
    """A durable event as the log has it; `payload` is JSON on one line."""

    conversation_id: UUID
    number: int
    type: str
    payload: str


class Page(Struct, Generic[T], frozen=True):
    """A page of a list; `position` is the conversation's last event number when it was read."""

    items: list[T]
    position: int
    more: bool
    """True when the list continues after the last item."""


def page(rows: Sequence[Sequence[Any]], from_row: Callable[..., T]) -> Page[T]:
    """Return a page from rows (position, more, *fields); an empty list is one row of NULLs."""
    items = [from_row(*row[2:]) for row in rows if row[2] is not None]
    return Page(items, rows[0][0], bool(items) and rows[-1][1])


class Window(Struct, Generic[T], frozen=True):
    """A part of a list that may continue on both sides; `position` is as in Page."""

    items: list[T]
    position: int
    more_before: bool
    more_after: bool


def window(rows: Sequence[Sequence[Any]], from_row: Callable[..., T]) -> Window[T]:
    """Return a window from rows (position, more_before, more_after, *fields).

    One row of NULLs is an empty window, which lies before or after all there is.
    """
    items = [from_row(*row[3:]) for row in rows if row[3] is not None]
    position, more_before, more_after = rows[0][:3]
    return Window(items, position, more_before, more_after)


def event_records(
    conversation_id: UUID,
    numbers: Sequence[int],
    types: Sequence[str],
    payloads: Sequence[str],
) -> list[EventRecord]:
    """Return events from the three parallel arrays that a writing procedure returns."""
    rows = zip(numbers, types, payloads, strict=True)
    return [EventRecord(conversation_id, number, kind, payload) for number, kind, payload in rows]
