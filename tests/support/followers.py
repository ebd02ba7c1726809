"""Clients whose state is kept by events alone, and the order that a stream has to keep."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import msgspec
from tests.support.api import Person, lines
from tests.support.snapshots import Refused, Source, load_all, with_all_trees

from rustygpt_shared import codec
from rustygpt_shared.events import Event
from rustygpt_shared.ids import event_number
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import complete
from rustygpt_tui.store.state import State


class OutOfOrder(AssertionError):
    """A stream told what no stream may tell at that place."""


@dataclass
class Course:
    """One connection's events, held to the contract as they come."""

    me: UUID
    first: frozenset[str | None] = frozenset({None})
    """The reasons of a reset that may follow the opening; None when there may be none."""
    known: int = 0
    """The last number when the right to read was looked at: removals up to there are history."""
    position: int | None = None
    told: list[str] = field(default_factory=list)
    started: bool = False
    removed: bool = False
    closed: str | None = None

    def take(self, event: dict[str, Any]) -> None:
        """The next event; raises OutOfOrder."""
        kind, payload = event["type"], event["payload"]
        self.told.append(f"{kind} {event.get('id', '')} {payload.get('reason', '')}".strip())
        self._check(self.closed is None, "something after the end")
        self._check(not self.removed or kind == "stream.closed", "something after the removal")
        if kind == "stream.open":
            self._check(self.position is None, "opened twice")
            self.position = _number(payload["last_event_id"])
        elif kind == "stream.reset":
            self._start_over(payload["reason"], _number(payload["last_event_id"]))
        elif kind == "stream.closed":
            self.closed = payload["reason"]
        elif "id" in event:
            self._go_on(_number(event["id"]))
        if kind == "membership.changed" and _number(event["id"]) > self.known:
            self.removed = payload["user_id"] == str(self.me) and payload["action"] == "removed"

    def _start_over(self, reason: str, position: int) -> None:
        self._check(self.position is not None, "a reset before the opening")
        later = {"trimmed", "overflow"} if self.started or None in self.first else set()
        self._check(reason in (later if self.started else later | self.first), "nothing was wrong")
        self._check(position >= (self.position or 0), "back in time")
        self.started, self.position = True, position

    def _go_on(self, number: int) -> None:
        self._check(self.started or None in self.first, f"events before a reset: {self.first}")
        self._check(number == (self.position or 0) + 1, f"not the event after {self.position}")
        self.started, self.position = True, number

    def _check(self, holds: bool, what: str) -> None:
        if not holds:
            raise OutOfOrder(what, self.told[-12:])


def _number(id: str) -> int:
    number = event_number(id)
    if number is None:
        raise OutOfOrder("no event id", id)
    return number


class Follower:
    """One client of one person; it may be connected anywhere, and keeps its state in between."""

    def __init__(self, room: str) -> None:
        self._room = room
        self._reading: asyncio.Task[None] | None = None
        self._opened = asyncio.Event()
        self.person: Person | None = None
        self.state: State | None = None
        self.course: Course | None = None

    @property
    def connected(self) -> bool:
        """Whether a stream is open."""
        return self._reading is not None and not self._reading.done()

    async def connect(self, person: Person, cursor: str | None, course: Course) -> None:
        """Follow from a cursor; `course` says what the server has to answer."""
        await self.disconnect()
        if cursor is None:
            self.state = None  # who does not say what it has seen starts with a snapshot
        self.person, self.course = person, course
        self._opened.clear()
        self._reading = asyncio.create_task(self._read(person, cursor, course))
        async with asyncio.timeout(20):
            await self._opened.wait()
        self.check()

    async def disconnect(self) -> None:
        """Hang up."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self.check()
            self._reading = None

    def check(self) -> None:
        """Raise what went wrong while reading."""
        task = self._reading
        if task is not None and task.done() and not task.cancelled() and task.exception():
            raise AssertionError(f"a client found: {task.exception()!r}") from task.exception()

    async def _read(self, person: Person, cursor: str | None, course: Course) -> None:
        headers = {"Last-Event-ID": cursor} if cursor is not None else {}
        path = f"/api/stream/conversations/{self._room}"
        try:
            async with person.client.stream("GET", path, headers=headers) as answer:
                assert answer.status_code == 200, answer.status_code
                async for line in lines(answer):
                    if line.startswith("data: "):
                        course.take(msgspec.json.decode(line[6:]))
                        self._opened.set()
                        await self._take(Source(person), codec.decode_event(line[6:]))
        except httpx.TransportError:
            pass  # the server is gone
        finally:
            self._opened.set()

    async def _take(self, source: Source, event: Event) -> None:
        """Bring the state up to date; when a snapshot is refused there is none until the next."""
        try:
            if self.state is None:
                assert self.person is not None
                self.state = await load_all(source, UUID(self._room), self.person.id)
            state, changes = apply(self.state, event)
            if not changes.gone:
                state = await with_all_trees(source, await complete(source, state, changes))
            self.state = state
        except (Refused, httpx.TransportError):
            self.state = None
