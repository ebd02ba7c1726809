"""Backplanes for tests: a listener that records, and connections over PostgreSQL and Redis."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from tests.support.wait import until

from rustygpt_server.clock import TimeLimits
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.database import Database
from rustygpt_server.db.listen import NotificationListener
from rustygpt_server.realtime.answer_status import AnswerState, AnswerStatusChanged
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import BackplaneMessage
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.postgres import PostgresTransport
from rustygpt_server.realtime.pubsub import PubSubBackplane
from rustygpt_server.realtime.redis import RedisTransport
from rustygpt_server.runtime import Runtime


class RecordingListener:
    """Records what other processes publish."""

    def __init__(self) -> None:
        self.numbers: list[tuple[UUID, int]] = []
        self.messages: list[BackplaneMessage] = []
        self.connections = 0

    def on_positions(self, numbers: Mapping[UUID, int]) -> None:
        """Record positions, in order."""
        self.numbers += numbers.items()

    def on_message(self, message: BackplaneMessage) -> None:
        """Record a message."""
        self.messages.append(message)

    def on_connected(self) -> None:
        """Count a connection."""
        self.connections += 1


CHANNEL = "rustygpt_test"


@asynccontextmanager
async def postgres_backplane(
    url: str, login: PoolLogin, name: str, limits: TimeLimits | None = None
) -> AsyncIterator[PubSubBackplane]:
    """Yield a backplane over NOTIFY that is not started; stop it at the end."""
    runtime = Runtime(limits=limits or TimeLimits())
    notifier = await Database.connect(
        url, user=login.user, password=login.password, size=1, durable=False
    )
    transport = PostgresTransport(NotificationListener(url, login, runtime), notifier, CHANNEL)
    backplane = PubSubBackplane(transport, name, runtime)
    try:
        yield backplane
    finally:
        await backplane.stop()
        await notifier.close()


@asynccontextmanager
async def redis_backplane(
    url: str, name: str, limits: TimeLimits | None = None
) -> AsyncIterator[PubSubBackplane]:
    """Yield a backplane over Redis that is not started; stop it at the end."""
    runtime = Runtime(limits=limits or TimeLimits())
    transport = RedisTransport(url, CHANNEL, runtime)
    backplane = PubSubBackplane(transport, name, runtime)
    try:
        yield backplane
    finally:
        await backplane.stop()
        await transport.close()


async def all_connected(*backplanes: Backplane) -> None:
    """Wait until all backplanes are connected."""
    await until(lambda: all(backplane.connected for backplane in backplanes))


def answer_status(state: AnswerState = "waiting", **fields: object) -> AnswerStatusChanged:
    """Return a state of the answer that `answer_delta` is about."""
    all_fields = {
        "message_id": UUID(int=1),
        "conversation_id": UUID(int=7),
        "root_id": UUID(int=2),
        "state": state,
        **fields,
    }
    return AnswerStatusChanged(**all_fields)  # type: ignore[arg-type]


def answer_delta(offset: int = 0, content: str = "text", **fields: object) -> AnswerDelta:
    """Return a delta of one answer; `fields` replaces any of its fields."""
    all_fields = {
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
        **fields,
    }
    return AnswerDelta(**all_fields)  # type: ignore[arg-type]
