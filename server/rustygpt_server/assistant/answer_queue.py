"""The queue of one provider: how many answers it generates at once, and whose turn is next.

Free slots go round the users who wait, so that many questions of one user do not keep others from
their first answer; of one user's questions the earliest is the next. Each process has a queue of
its own.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from uuid import UUID

from rustygpt_server.assistant.provider import ProviderError
from rustygpt_server.clock import TimeLimits

WAITING_MAX = 1_000
"""How many answers may wait for one provider."""
_REPORTS_PER_SECOND = 1_000
"""About how many positions are reported at most."""

OnPosition = Callable[[int], None]
"""Receives the position in the queue when it changes; 1 is the next one."""


@dataclass(eq=False)
class _Ticket:
    """An answer that waits."""

    user_id: UUID | None
    on_position: OnPosition
    granted: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    position: int = 0


class AnswerQueue:
    """The slots of a provider, and the answers that wait for one."""

    def __init__(self, slots: int, limits: TimeLimits) -> None:
        self._free = slots
        self._limits = limits
        self._turns: dict[UUID | None, deque[_Ticket]] = {}
        """The answers that wait, by user; the user whose turn is next comes first."""
        self._timer: asyncio.TimerHandle | None = None
        self._next_report_at = 0.0

    @property
    def waiting(self) -> int:
        """How many answers wait."""
        return sum(map(len, self._turns.values()))

    @asynccontextmanager
    async def slot(self, user_id: UUID | None, on_position: OnPosition) -> AsyncIterator[None]:
        """Hold a slot; raise ProviderError when too many wait, or for too long."""
        await self._acquire(user_id, on_position)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, user_id: UUID | None, on_position: OnPosition) -> None:
        if self._free and not self._turns:
            self._free -= 1
            return
        if self.waiting >= WAITING_MAX:
            self._displace_another(user_id)
        ticket = _Ticket(user_id, on_position)
        self._turns.setdefault(user_id, deque()).append(ticket)
        self._schedule_report()
        try:
            async with asyncio.timeout(self._limits.queue_wait):
                await ticket.granted
        except BaseException as error:
            self._give_up(ticket)
            if isinstance(error, TimeoutError):
                raise self._waited_too_long() from None
            raise

    def _displace_another(self, user_id: UUID | None) -> None:
        """Refuse the latest answer of the user with the most; raise if that is this user.

        Otherwise one user could fill the queue, and all others would be refused.
        """
        most = max(self._turns.values(), key=len)
        if len(most) > len(self._turns.get(user_id, ())) + 1:
            ticket = next((one for one in reversed(most) if not one.granted.done()), None)
            if ticket is not None:
                most.remove(ticket)
                ticket.granted.set_exception(_full())
                return
        raise _full()

    def _waited_too_long(self) -> ProviderError:
        minutes = self._limits.queue_wait / 60
        return ProviderError(
            f"The answer waited {minutes:g} minutes for its turn at the model; ask again later.",
            "timeout",
        )

    def _give_up(self, ticket: _Ticket) -> None:
        """Leave the queue, or return the slot that was granted meanwhile."""
        if ticket.granted.cancelled():
            tickets = self._turns[ticket.user_id]
            tickets.remove(ticket)
            if not tickets:
                del self._turns[ticket.user_id]
            self._grant()  # while it was there, a free slot was not taken at once
        elif ticket.granted.exception() is None:
            self._release()

    def _release(self) -> None:
        self._free += 1
        self._grant()

    def _grant(self) -> None:
        """Give the free slots to those whose turn it is."""
        while self._free and (ticket := self._pop_next()) is not None:
            self._free -= 1
            ticket.granted.set_result(None)
        self._schedule_report()

    def _pop_next(self) -> _Ticket | None:
        """Remove the ticket whose turn it is; its user's next one comes after those of others."""
        for ticket in self._in_order():
            if not ticket.granted.cancelled():  # such a ticket is about to give up
                tickets = self._turns.pop(ticket.user_id)
                tickets.remove(ticket)
                if tickets:
                    self._turns[ticket.user_id] = tickets
                return ticket
        return None

    def _in_order(self) -> Iterator[_Ticket]:
        """Return the tickets in the order of their turns: the first of each user comes first."""
        for round_of_tickets in zip_longest(*self._turns.values()):
            yield from (ticket for ticket in round_of_tickets if ticket is not None)

    def _schedule_report(self) -> None:
        """Report the positions at once, or when the interval since the last report has passed."""
        if self._timer is None and self._turns:
            loop = asyncio.get_running_loop()
            delay = max(0.0, self._next_report_at - loop.time())
            self._timer = loop.call_later(delay, self._report)

    def _report(self) -> None:
        self._timer = None
        interval = max(self._limits.queue_report, self.waiting / _REPORTS_PER_SECOND)
        self._next_report_at = asyncio.get_running_loop().time() + interval
        for position, ticket in enumerate(self._in_order(), 1):
            if ticket.position != position and not ticket.granted.done():
                ticket.position = position
                ticket.on_position(position)


def _full() -> ProviderError:
    return ProviderError("Too many answers wait for this model; ask again later.", "queue_full")
