"""An ear that writes down what it hears, and lines between processes of this machine."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from tests.support.waiting import until

from rustygpt_server.clock import SystemClock, TimeLimits
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.database import Database
from rustygpt_server.db.listen import Line
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.passages import Passage
from rustygpt_server.realtime.postgres import PostgresBackplane
from rustygpt_server.realtime.words import Word
from rustygpt_server.telemetry import Metrics


class Notes:
    """What was heard."""

    def __init__(self) -> None:
        self.numbers: list[tuple[UUID, int]] = []
        self.words: list[Word] = []
        self.returns = 0

    def positions(self, numbers: Mapping[UUID, int]) -> None:
        """Note positions, in order."""
        self.numbers += numbers.items()

    def word(self, word: Word) -> None:
        """Note a word."""
        self.words.append(word)

    def returned(self) -> None:
        """Count how often the line came up."""
        self.returns += 1


@asynccontextmanager
async def postgres_line(
    url: str, login: PoolLogin, name: str, limits: TimeLimits | None = None
) -> AsyncIterator[PostgresBackplane]:
    """A backplane over NOTIFY that is not started yet."""
    clock = SystemClock()
    notifier = await Database.connect(
        url, user=login.user, password=login.password, size=1, durable=False
    )
    line = Line(url, login, limits or TimeLimits(), clock)
    backplane = PostgresBackplane(line, notifier, name, clock, Metrics())
    try:
        yield backplane
    finally:
        await backplane.stop()
        await notifier.close()


async def up(*lines: Backplane) -> None:
    """All lines are up."""
    await until(lambda: all(line.hears for line in lines))


def passage(offset: int = 0, content: str = "text", **more: object) -> Passage:
    """A piece of one answer."""
    fields = {
        "message_id": UUID(int=1),
        "conversation_id": UUID(int=7),
        "root_id": UUID(int=2),
        "parent_id": UUID(int=3),
        "depth": 2,
        "index": 0,
        "offset": offset,
        "content": content,
        "reasoning_offset": 0,
        "reasoning": "",
        **more,
    }
    return Passage(**fields)  # type: ignore[arg-type]
