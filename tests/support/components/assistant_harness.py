"""The assistant on a test database: manager, generator and catalog as a server builds them."""

from collections.abc import Sequence
from uuid import UUID

from tests.support.database.database_builder import INSTANCE_ID, DatabaseBuilder
from tests.support.database.databases import NOW
from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.app.realtime_components import build_realtime
from rustygpt_server.assistant.answer import AnswerTarget
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.generation import AnswerGenerator
from rustygpt_server.assistant.manager import AnswerManager
from rustygpt_server.assistant.openai import OpenAIProvider
from rustygpt_server.assistant.provider import Provider
from rustygpt_server.clock import TimeLimits
from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import PostResult
from rustygpt_server.realtime.memory import MemoryBackplane
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.event_log import DatabaseEventLog
from rustygpt_server.telemetry import Metrics
from rustygpt_shared.settings import Llm, Sse
from rustygpt_shared.settings import Model as ModelSettings
from rustygpt_shared.settings import Provider as ProviderSettings


def openai_provider(url: str) -> OpenAIProvider:
    """Return a provider for a model server."""
    settings = ProviderSettings(kind="openai", base_url=url)
    return OpenAIProvider(settings, 60, Runtime())


class AssistantHarness:
    """An answer manager whose only model, `demo`, belongs to one provider."""

    def __init__(
        self,
        db: Database,
        provider: Provider,
        llm: Llm | None = None,
        limits: TimeLimits | None = None,
        context_tokens: int = 8_192,
    ) -> None:
        base = llm or Llm()
        limits = limits or TimeLimits()
        settings = Llm(
            default_model="demo",
            providers={"p": ProviderSettings(kind="demo")},
            models={"demo": ModelSettings(provider="p", context_tokens=context_tokens)},
            first_token_timeout_seconds=base.first_token_timeout_seconds,
            timeout_seconds=base.timeout_seconds,
            idle_timeout_seconds=base.idle_timeout_seconds,
            max_concurrent_requests=base.max_concurrent_requests,
            daily_token_budget=base.daily_token_budget,
        )
        self.metrics = Metrics()
        self.clock = FakeClock(NOW)
        runtime = Runtime(limits=limits, metrics=self.metrics)
        self.backplane = MemoryBackplane()
        self.realtime = build_realtime(DatabaseEventLog(db), Sse(), runtime, self.backplane)
        self.hub = self.realtime.hub
        self.catalog = Catalog(settings, lambda _: provider, {}, limits)
        self.generator = AnswerGenerator(db, self.catalog, settings, runtime, INSTANCE_ID)
        self.manager = AnswerManager(
            db,
            self.hub,
            self.backplane,
            self.catalog,
            self.generator,
            Runtime(self.clock, limits, self.metrics),
            INSTANCE_ID,
        )


def answer_target(result: PostResult) -> AnswerTarget:
    """Return the target of the answer to a post."""
    assert result.answer is not None
    posted = result.posted
    return AnswerTarget(
        result.answer.message_id,
        posted.conversation_id,
        posted.root_id,
        posted.message_id,
        posted.depth + 1,
        result.answer.model,
    )


async def ask_question(
    builder: DatabaseBuilder, content: str = "question", earlier: Sequence[str] = ()
) -> tuple[UUID, AnswerTarget]:
    """Post a question in a new conversation; return the author and the started answer.

    Messages `earlier` in the chain come before it.
    """
    user_id = await builder.person(f"p{builder.id().hex[-8:]}")
    conversation_id = await builder.conversation(user_id, mode="always")
    posted = None
    for text in (*earlier, content):
        if posted is None:
            posted = await builder.post(user_id, conversation_id, text)
        else:
            posted = await builder.reply(user_id, posted.posted.message_id, text)
    assert posted is not None
    return user_id, answer_target(posted)
