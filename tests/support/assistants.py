"""An assistant on a scene: desk, writer and catalog as a server builds them."""

from uuid import UUID

from tests.support.clocks import TestClock
from tests.support.databases import NOW
from tests.support.scene import RUNNER, Scene

from rustygpt_server.assistant.answer import Place
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.desk import Desk
from rustygpt_server.assistant.generation import Writer
from rustygpt_server.assistant.openai import OpenAIProvider
from rustygpt_server.assistant.provider import Provider
from rustygpt_server.clock import SystemClock, TimeLimits
from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import Written
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.services.feeds import DatabaseLog
from rustygpt_server.telemetry import Metrics
from rustygpt_shared.settings import Llm, Sse
from rustygpt_shared.settings import Model as ModelSettings
from rustygpt_shared.settings import Provider as ProviderSettings


def openai_provider(url: str) -> OpenAIProvider:
    """A provider that asks a model server."""
    settings = ProviderSettings(kind="openai", base_url=url)
    return OpenAIProvider(settings, 60, TimeLimits())


class Assistant:
    """A desk whose only model, `demo`, is asked of one provider."""

    def __init__(
        self,
        db: Database,
        provider: Provider,
        llm: Llm | None = None,
        limits: TimeLimits | None = None,
    ) -> None:
        base = llm or Llm()
        limits = limits or TimeLimits()
        settings = Llm(
            default_model="demo",
            providers={"p": ProviderSettings(kind="demo")},
            models={"demo": ModelSettings(provider="p")},
            timeout_seconds=base.timeout_seconds,
            idle_timeout_seconds=base.idle_timeout_seconds,
            max_concurrent_requests=base.max_concurrent_requests,
        )
        self.metrics = Metrics()
        self.clock = TestClock()
        self.clock._now = NOW
        self.hub = Hub(DatabaseLog(db), Sse(), limits, SystemClock(), self.metrics)
        self.catalog = Catalog(settings, lambda _: provider, {}, limits)
        self.writer = Writer(
            db, self.catalog, settings, limits, SystemClock(), self.metrics, RUNNER
        )
        self.desk = Desk(db, self.hub, self.catalog, self.writer, limits, self.clock, RUNNER)


def place(written: Written) -> Place:
    """Where the answer to a post stands."""
    assert written.answer is not None
    posted = written.posted
    return Place(
        written.answer.message_id,
        posted.conversation_id,
        posted.root_id,
        posted.message_id,
        posted.depth + 1,
        written.answer.model,
    )


async def asked(scene: Scene, content: str = "question") -> tuple[UUID, Place]:
    """Somebody new who asks in a new conversation, and the answer that has begun."""
    who = await scene.person(f"p{scene.id().hex[-8:]}")
    room = await scene.room(who, mode="always")
    return who, place(await scene.post(who, room, content))
