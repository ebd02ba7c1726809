"""An ear that writes down what it hears, and lines between processes of this machine."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from tests.support.wait import until

from rustygpt_server.clock import TimeLimits
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.database import Database
from rustygpt_server.db.listen import NotificationListener
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import BackplaneMessage
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.postgres import PostgresTransport
from rustygpt_server.realtime.pubsub import PubSubBackplane
from rustygpt_server.realtime.redis import RedisTransport
from rustygpt_server.runtime import Runtime


class RecordingListener:
    """What was heard."""

    def __init__(self) -> None:
        self.numbers: list[tuple[UUID, int]] = []
        self.messages: list[BackplaneMessage] = []
        self.connections = 0

    def on_positions(self, numbers: Mapping[UUID, int]) -> None:
        """Note positions, in order."""
        self.numbers += numbers.items()

    def on_message(self, message: BackplaneMessage) -> None:
        """Note a word."""
        self.messages.append(message)

    def on_connected(self) -> None:
        """Count how often the line came up."""
        self.connections += 1


CHANNEL = "rustygpt_test"


@asynccontextmanager
async def postgres_backplane(
    url: str, login: PoolLogin, name: str, limits: TimeLimits | None = None
) -> AsyncIterator[PubSubBackplane]:
    """A backplane over NOTIFY that is not started yet."""
    runtime = Runtime(limits=limits or TimeLimits())
    notifier = await Database.connect(
        url, user=login.user, password=login.password, size=1, durable=False
    )
    wire = PostgresTransport(NotificationListener(url, login, runtime), notifier, CHANNEL)
    backplane = PubSubBackplane(wire, name, runtime)
    try:
        yield backplane
    finally:
        await backplane.stop()
        await notifier.close()


@asynccontextmanager
async def redis_backplane(
    url: str, name: str, limits: TimeLimits | None = None
) -> AsyncIterator[PubSubBackplane]:
    """A backplane over Redis that is not started yet."""
    runtime = Runtime(limits=limits or TimeLimits())
    wire = RedisTransport(url, CHANNEL, runtime)
    backplane = PubSubBackplane(wire, name, runtime)
    try:
        yield backplane
    finally:
        await backplane.stop()
        await wire.close()


async def all_connected(*backplanes: Backplane) -> None:
    """All lines are up."""
    await until(lambda: all(line.connected for line in backplanes))


def answer_delta(offset: int = 0, content: str = "text", **more: object) -> AnswerDelta:
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
    return AnswerDelta(**fields)  # type: ignore[arg-type]
