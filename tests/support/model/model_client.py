"""Clients whose state is updated by events alone, and the contract that their streams keep."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import msgspec
from tests.support.clients.http_snapshots import (
    HttpSnapshotSource,
    SnapshotRejected,
    load_all,
    with_all_trees,
)
from tests.support.servers.in_process_server import HttpUser, sse_lines

from rustygpt_shared import codec
from rustygpt_shared.events import Event
from rustygpt_shared.ids import event_number
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import fetch_missing
from rustygpt_tui.store.state import State


class OutOfOrder(AssertionError):
    """An event of a stream violates the contract."""


@dataclass
class StreamContract:
    """The events of one connection, checked against the contract as they arrive."""

    me: UUID
    allowed_resets: frozenset[str | None] = frozenset({None})
    """The reasons of a reset that may follow `stream.open`; None when there may be no reset."""
    authorized_at: int = 0
    """The last event number when access was checked; earlier removals are history."""
    position: int | None = None
    history: list[str] = field(default_factory=list)
    started: bool = False
    removed: bool = False
    closed: str | None = None

    def check_event(self, event: dict[str, Any]) -> None:
        """Check the next event; raise OutOfOrder when it violates the contract."""
        kind = event["type"]
        payload = event["payload"]
        self.history.append(f"{kind} {event.get('id', '')} {payload.get('reason', '')}".strip())
        self._check(self.closed is None, "an event after the end")
        self._check(not self.removed or kind == "stream.closed", "an event after the removal")
        if kind == "stream.open":
            self._check(self.position is None, "opened twice")
            self.position = _number(payload["last_event_id"])
        elif kind == "stream.reset":
            self._check_reset(payload["reason"], _number(payload["last_event_id"]))
        elif kind == "stream.closed":
            self.closed = payload["reason"]
        elif "id" in event:
            self._check_durable(_number(event["id"]))
        if kind == "membership.changed" and _number(event["id"]) > self.authorized_at:
            self.removed = payload["user_id"] == str(self.me) and payload["action"] == "removed"

    def _check_reset(self, reason: str, position: int) -> None:
        self._check(self.position is not None, "a reset before the opening")
        later_reasons = (
            {"trimmed", "overflow"} if self.started or None in self.allowed_resets else set()
        )
        self._check(
            reason in (later_reasons if self.started else later_reasons | self.allowed_resets),
            "the reset has no cause",
        )
        self._check(position >= (self.position or 0), "the position moved back")
        self.started = True
        self.position = position

    def _check_durable(self, number: int) -> None:
        self._check(
            self.started or None in self.allowed_resets,
            f"events before a reset: {self.allowed_resets}",
        )
        self._check(number == (self.position or 0) + 1, f"not the event after {self.position}")
        self.started = True
        self.position = number

    def _check(self, condition: bool, problem: str) -> None:
        if not condition:
            raise OutOfOrder(problem, self.history[-12:])


def _number(id: str) -> int:
    number = event_number(id)
    if number is None:
        raise OutOfOrder("no event id", id)
    return number


class ModelClient:
    """One client of one user; it may connect to any server, and keeps its state in between."""

    def __init__(self, conversation_id: str) -> None:
        self._conversation_id = conversation_id
        self._stream_task: asyncio.Task[None] | None = None
        self._opened = asyncio.Event()
        self.person: HttpUser | None = None
        self.state: State | None = None
        self.contract: StreamContract | None = None

    @property
    def connected(self) -> bool:
        """Whether a stream is open."""
        return self._stream_task is not None and not self._stream_task.done()

    async def connect(self, person: HttpUser, cursor: str | None, contract: StreamContract) -> None:
        """Follow the conversation from a cursor; `contract` is what the server has to keep."""
        await self.disconnect()
        if cursor is None:
            self.state = None  # without a cursor a client starts with a snapshot
        self.person = person
        self.contract = contract
        self._opened.clear()
        self._stream_task = asyncio.create_task(self._read(person, cursor, contract))
        async with asyncio.timeout(60):
            await self._opened.wait()
        self.check()

    async def disconnect(self) -> None:
        """Close the stream."""
        if self._stream_task is not None:
            self._stream_task.cancel()
            await asyncio.wait([self._stream_task])
            self.check()
            self._stream_task = None

    def check(self) -> None:
        """Raise the error of the task that reads the stream, if there is one."""
        task = self._stream_task
        if task is not None and task.done() and not task.cancelled() and task.exception():
            raise AssertionError(f"a client failed: {task.exception()!r}") from task.exception()

    async def _read(self, person: HttpUser, cursor: str | None, contract: StreamContract) -> None:
        headers = {"Last-Event-ID": cursor} if cursor is not None else {}
        path = f"/api/stream/conversations/{self._conversation_id}"
        try:
            async with person.client.stream("GET", path, headers=headers) as response:
                assert response.status_code == 200, response.status_code
                async for line in sse_lines(response):
                    if line.startswith("data: "):
                        contract.check_event(msgspec.json.decode(line[6:]))
                        self._opened.set()
                        await self._apply(HttpSnapshotSource(person), codec.decode_event(line[6:]))
        except httpx.TransportError:
            pass  # the server has stopped
        finally:
            self._opened.set()

    async def _apply(self, source: HttpSnapshotSource, event: Event) -> None:
        """Apply an event; the state is None after a rejected snapshot, until the next event."""
        try:
            if self.state is None:
                assert self.person is not None
                self.state = await load_all(source, UUID(self._conversation_id), self.person.id)
            state, changes = apply(self.state, event)
            if not changes.left:
                state = await with_all_trees(source, await fetch_missing(source, state, changes))
            self.state = state
        except (SnapshotRejected, httpx.TransportError):
            self.state = None
