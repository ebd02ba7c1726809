"""Answers as tasks: begun, stopped, and ended whatever happens to them."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from tests.support.components.assistant_harness import AssistantHarness, ask_question
from tests.support.database import databases
from tests.support.database.database_builder import INSTANCE_ID, DatabaseBuilder
from tests.support.wait import until

from rustygpt_server.assistant.answer import AnswerTarget
from rustygpt_server.assistant.provider import CompletionChunk, Prompt
from rustygpt_server.clock import TimeLimits
from rustygpt_server.db import answers, messages
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.settings import Llm


class Waiting:
    """A provider that says one word and then waits to be let go, or breaks."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.go = asyncio.Event()
        self.asked = 0
        self._breaks = breaks

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        self.asked += 1
        yield CompletionChunk(content="word")
        if self._breaks:
            raise KeyError("a mistake in the program")
        await self.go.wait()
        yield CompletionChunk(finish_reason="stop")

    async def list_models(self) -> list[str]:
        return ["demo"]

    async def close(self) -> None:
        """Nothing is held."""


async def _ended(scene: DatabaseBuilder, who: UUID, place: AnswerTarget) -> MessageView:
    """The answer, as soon as its end is stored."""
    async with asyncio.timeout(5):
        while (shown := await messages.get_message(scene.db, who, place.message_id)).streaming:
            await asyncio.sleep(0.01)
    return shown


async def test_an_answer_ends_and_is_forgotten(builder: DatabaseBuilder) -> None:
    """Readers can join while it is written, and no longer."""
    provider = Waiting()
    assistant = AssistantHarness(builder.db, provider)
    who, place = await ask_question(builder)
    assistant.manager.start(place)
    await until(lambda: provider.asked == 1)
    assert len(assistant.hub.answers(place.conversation_id)) == 1
    provider.go.set()
    shown = await _ended(builder, who, place)
    await until(lambda: assistant.hub.answers(place.conversation_id) == [])

    assert (shown.content, shown.finish_reason) == ("word", "stop")
    assert assistant.manager.cancel(place.message_id) is False


async def test_an_answer_may_be_stopped_before_its_first_step(builder: DatabaseBuilder) -> None:
    """It ends as cancelled, without a word, and the model is not asked."""
    provider = Waiting()
    assistant = AssistantHarness(builder.db, provider)
    who, place = await ask_question(builder)
    assistant.manager.start(place)
    assert assistant.manager.cancel(place.message_id) is True
    shown = await _ended(builder, who, place)

    assert (shown.content, shown.finish_reason) == ("", "cancelled")
    assert provider.asked == 0


async def test_an_answer_that_waits_for_a_place_can_be_stopped(builder: DatabaseBuilder) -> None:
    """The one that holds the place goes on."""
    provider = Waiting()
    assistant = AssistantHarness(builder.db, provider, Llm(max_concurrent_requests=1))
    first, second = await ask_question(builder), await ask_question(builder)
    for _, place in (first, second):
        assistant.manager.start(place)
    await until(lambda: provider.asked == 1)
    assistant.manager.cancel(second[1].message_id)
    stopped = await _ended(builder, *second)
    provider.go.set()
    written = await _ended(builder, *first)

    assert (stopped.finish_reason, written.finish_reason) == ("cancelled", "stop")
    assert provider.asked == 1


async def test_stopping_again_and_again_stores_one_end(builder: DatabaseBuilder) -> None:
    """The end is never cut by the next wish to stop, and it is told to readers."""
    provider = Waiting()
    assistant = AssistantHarness(builder.db, provider)
    who, place = await ask_question(builder)
    opening = await builder.log_bounds(who, place.conversation_id)
    channel = assistant.realtime.channels.open(place.conversation_id)
    channel.start(opening.position)
    assistant.manager.start(place)
    await until(lambda: provider.asked == 1)
    while assistant.manager.cancel(place.message_id):
        await asyncio.sleep(0)
    shown = await _ended(builder, who, place)

    assert (shown.content, shown.finish_reason) == ("word", "cancelled")
    assert channel.position == opening.position + 3


async def test_a_mistake_in_the_program_ends_the_answer(builder: DatabaseBuilder) -> None:
    """Nobody waits for ever, whatever broke."""
    assistant = AssistantHarness(builder.db, Waiting(breaks=True))
    who, place = await ask_question(builder)
    assistant.manager.start(place)
    shown = await _ended(builder, who, place)

    assert (shown.content, shown.finish_reason) == ("word", "error")


async def test_a_wish_that_reached_another_process_is_noticed(builder: DatabaseBuilder) -> None:
    """The runner asks for such wishes."""
    provider = Waiting()
    assistant = AssistantHarness(builder.db, provider)
    who, place = await ask_question(builder)
    assistant.manager.start(place)
    await until(lambda: provider.asked == 1)
    await answers.request_cancel(builder.db, who, place.message_id, builder.now)
    await assistant.manager.stop_cancelled()

    assert (await _ended(builder, who, place)).finish_reason == "cancelled"


async def test_only_answers_that_are_written_keep_their_lease(builder: DatabaseBuilder) -> None:
    """One whose beginning was stored but never heard of runs out, though its runner lives."""
    provider = Waiting()
    assistant = AssistantHarness(builder.db, provider)
    (who, lost), (asker, kept) = await ask_question(builder), await ask_question(builder)
    assistant.manager.start(kept)
    await until(lambda: provider.asked == 1)
    for _ in range(7):
        assistant.clock.advance(5)
        await assistant.manager.renew_leases_and_fail_orphans()

    assert (await _ended(builder, who, lost)).finish_reason == "error"
    assert (await messages.get_message(builder.db, asker, kept.message_id)).streaming is True
    provider.go.set()
    assert (await _ended(builder, asker, kept)).finish_reason == "stop"


async def test_all_orphans_are_ended_at_once(builder: DatabaseBuilder) -> None:
    """However many a dead process left: more than one statement takes."""
    assistant = AssistantHarness(builder.db, Waiting())
    who = await builder.person("ada")
    room = await builder.conversation(who, mode="always")
    for _ in range(101):
        await builder.post(who, room)
    assistant.clock.advance(3_600)
    await assistant.manager.renew_leases_and_fail_orphans()

    assert await answers.fail_orphans(builder.db, assistant.clock.now()) == []
    assert await answers.renew_leases(builder.db, INSTANCE_ID, [], builder.now) == 0


async def test_stopping_ends_what_is_written(builder: DatabaseBuilder) -> None:
    """As an error that says so; nothing new is begun afterwards."""
    provider = Waiting()
    assistant = AssistantHarness(builder.db, provider)
    assert assistant.manager.new_claim() is not None
    who, place = await ask_question(builder)
    assistant.manager.start(place)
    await until(lambda: provider.asked == 1)
    await assistant.manager.stop()

    assert (await _ended(builder, who, place)).finish_reason == "error"
    assert assistant.manager.new_claim() is None


async def test_stopping_does_not_wait_for_a_database_that_is_away(
    builder: DatabaseBuilder, database_url: str, pool_login: PoolLogin
) -> None:
    """After the time for it no task is left."""
    provider = Waiting()
    async with databases.pool(database_url, pool_login) as away:
        assistant = AssistantHarness(away, provider, limits=TimeLimits(shutdown_grace=0.1))
        who, place = await ask_question(builder)
        assistant.manager.start(place)
        await until(lambda: provider.asked == 1)
    async with asyncio.timeout(2):
        await assistant.manager.stop()
    await until(lambda: assistant.hub.answers(place.conversation_id) == [])

    assert (await messages.get_message(builder.db, who, place.message_id)).streaming is True
