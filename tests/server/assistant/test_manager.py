"""Answers as tasks: their start, cancellation and end."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from tests.support.components.assistant_harness import AssistantHarness, answer_target, ask_question
from tests.support.database import databases
from tests.support.database.database_builder import INSTANCE_ID, DatabaseBuilder
from tests.support.wait import until

from rustygpt_server.assistant.answer import AnswerTarget
from rustygpt_server.assistant.provider import CompletionChunk, ListedModel, Prompt
from rustygpt_server.clock import TimeLimits
from rustygpt_server.db import answers, messages
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.rows import EventRecord
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.settings import Llm


class WaitingProvider:
    """A provider that sends one word and then waits for `resume`, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.resume = asyncio.Event()
        self.requests = 0
        self.prompts: list[list[str]] = []
        self._fails = fails

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        self.requests += 1
        self.prompts.append([message.role for message in prompt.messages])
        yield CompletionChunk(content="word")
        if self._fails:
            raise KeyError("a mistake in the program")
        await self.resume.wait()
        yield CompletionChunk(finish_reason="stop")

    async def list_models(self) -> list[ListedModel]:
        return [ListedModel("demo")]

    async def close(self) -> None:
        """Release nothing."""


async def _wait_for_end(
    builder: DatabaseBuilder, user_id: UUID, target: AnswerTarget
) -> MessageView:
    """Return the answer as soon as its end is stored."""
    async with asyncio.timeout(60):
        while (
            message := await messages.get_message(builder.db, user_id, target.message_id)
        ).streaming:
            await asyncio.sleep(0.01)
    return message


async def test_an_ended_answer_is_removed_from_the_hub(builder: DatabaseBuilder) -> None:
    """Subscribers find a running answer only until it ends."""
    provider = WaitingProvider()
    assistant = AssistantHarness(builder.db, provider)
    user_id, target = await ask_question(builder)
    assistant.manager.start(target)
    await until(lambda: provider.requests == 1)
    assert len(assistant.hub.answers(target.conversation_id)) == 1
    provider.resume.set()
    message = await _wait_for_end(builder, user_id, target)
    await until(lambda: assistant.hub.answers(target.conversation_id) == [])

    assert (message.content, message.finish_reason) == ("word", "stop")
    assert assistant.manager.cancel(target.message_id) is False


async def test_an_answer_can_be_cancelled_before_its_task_runs(builder: DatabaseBuilder) -> None:
    """It ends as cancelled without text, and no request is sent to the model."""
    provider = WaitingProvider()
    assistant = AssistantHarness(builder.db, provider)
    user_id, target = await ask_question(builder)
    assistant.manager.start(target)
    assert assistant.manager.cancel(target.message_id) is True
    message = await _wait_for_end(builder, user_id, target)

    assert (message.content, message.finish_reason) == ("", "cancelled")
    assert provider.requests == 0


async def test_an_answer_waits_for_the_answer_that_its_question_replies_to(
    builder: DatabaseBuilder,
) -> None:
    """The roles of each prompt alternate; an answer that waits takes no slot."""
    provider = WaitingProvider()
    assistant = AssistantHarness(builder.db, provider, Llm(max_concurrent_requests=1))
    user_id, target = await ask_question(builder)
    targets = [target]
    for _ in range(3):
        targets.append(answer_target(await builder.reply(user_id, targets[-1].message_id)))
    for target in reversed(targets):
        assistant.manager.start(target)
    await until(lambda: provider.requests == 1)
    provider.resume.set()
    ends = [await _wait_for_end(builder, user_id, target) for target in targets]

    assert {end.finish_reason for end in ends} == {"stop"}
    assert provider.prompts == [["user", "assistant"] * n + ["user"] for n in range(4)]


async def test_an_answer_that_waits_can_be_cancelled(builder: DatabaseBuilder) -> None:
    """No request is sent to the model."""
    provider = WaitingProvider()
    assistant = AssistantHarness(builder.db, provider)
    user_id, first = await ask_question(builder)
    second = answer_target(await builder.reply(user_id, first.message_id))
    assistant.manager.start(first)
    assistant.manager.start(second)
    await until(lambda: provider.requests == 1)
    assistant.manager.cancel(second.message_id)

    assert (await _wait_for_end(builder, user_id, second)).finish_reason == "cancelled"
    provider.resume.set()
    assert (await _wait_for_end(builder, user_id, first)).finish_reason == "stop"
    assert provider.requests == 1


async def test_an_answer_waits_for_one_of_another_process(builder: DatabaseBuilder) -> None:
    """It looks in the database from time to time."""
    provider = WaitingProvider()
    provider.resume.set()
    assistant = AssistantHarness(builder.db, provider)
    user_id, first = await ask_question(builder)
    second = answer_target(await builder.reply(user_id, first.message_id))
    assistant.manager.start(second)
    result = answers.AnswerResult("done", "stop")
    await answers.finish_answer(builder.db, first.message_id, INSTANCE_ID, result, builder.now)

    async with asyncio.timeout(60):
        while provider.requests == 0:
            assistant.clock.advance(1)
            await asyncio.sleep(0.01)
    assert provider.prompts == [["user", "assistant", "user"]]
    assert (await _wait_for_end(builder, user_id, second)).finish_reason == "stop"


async def test_a_queued_answer_can_be_cancelled(builder: DatabaseBuilder) -> None:
    """The answer that holds the only slot continues."""
    provider = WaitingProvider()
    assistant = AssistantHarness(builder.db, provider, Llm(max_concurrent_requests=1))
    first, second = await ask_question(builder), await ask_question(builder)
    for _, target in (first, second):
        assistant.manager.start(target)
    await until(lambda: provider.requests == 1)
    assistant.manager.cancel(second[1].message_id)
    cancelled = await _wait_for_end(builder, *second)
    provider.resume.set()
    completed = await _wait_for_end(builder, *first)

    assert (cancelled.finish_reason, completed.finish_reason) == ("cancelled", "stop")
    assert provider.requests == 1


async def test_repeated_cancellation_stores_one_end(builder: DatabaseBuilder) -> None:
    """A further cancellation does not interrupt the end, which is published once."""
    provider = WaitingProvider()
    assistant = AssistantHarness(builder.db, provider)
    user_id, target = await ask_question(builder)
    bounds = await builder.log_bounds(user_id, target.conversation_id)
    channel = assistant.realtime.channels.open(target.conversation_id)
    channel.start(bounds.position)
    assistant.manager.start(target)
    await until(lambda: provider.requests == 1)
    while assistant.manager.cancel(target.message_id):
        await asyncio.sleep(0)
    message = await _wait_for_end(builder, user_id, target)

    assert (message.content, message.finish_reason) == ("word", "cancelled")
    assert channel.position == bounds.position + 3


async def test_an_unexpected_exception_ends_the_answer(builder: DatabaseBuilder) -> None:
    """The answer ends with the finish reason `error`."""
    assistant = AssistantHarness(builder.db, WaitingProvider(fails=True))
    user_id, target = await ask_question(builder)
    assistant.manager.start(target)
    message = await _wait_for_end(builder, user_id, target)

    assert (message.content, message.finish_reason) == ("word", "error")


async def test_a_cancellation_through_another_process_is_noticed(builder: DatabaseBuilder) -> None:
    """The process that generates the answer looks for such requests in the database."""
    provider = WaitingProvider()
    assistant = AssistantHarness(builder.db, provider)
    user_id, target = await ask_question(builder)
    assistant.manager.start(target)
    await until(lambda: provider.requests == 1)
    await answers.request_cancel(builder.db, user_id, target.message_id, builder.now)
    await assistant.manager.stop_cancelled()

    assert (await _wait_for_end(builder, user_id, target)).finish_reason == "cancelled"


async def test_only_running_answers_renew_their_lease(builder: DatabaseBuilder) -> None:
    """The lease of an answer that was stored but never started expires."""
    provider = WaitingProvider()
    assistant = AssistantHarness(builder.db, provider)
    (lost_user, lost_target), (running_user, running_target) = (
        await ask_question(builder),
        await ask_question(builder),
    )
    assistant.manager.start(running_target)
    await until(lambda: provider.requests == 1)
    for _ in range(7):
        assistant.clock.advance(5)
        await assistant.manager.renew_leases_and_fail_orphans()

    assert (await _wait_for_end(builder, lost_user, lost_target)).finish_reason == "error"
    assert (
        await messages.get_message(builder.db, running_user, running_target.message_id)
    ).streaming is True
    provider.resume.set()
    assert (await _wait_for_end(builder, running_user, running_target)).finish_reason == "stop"


async def test_all_orphaned_answers_are_ended(builder: DatabaseBuilder) -> None:
    """There are more of them than one statement ends."""
    assistant = AssistantHarness(builder.db, WaitingProvider())
    user_id = await builder.person("ada")
    conversation_id = await builder.conversation(user_id, mode="always")
    for _ in range(101):
        await builder.post(user_id, conversation_id)
    assistant.clock.advance(3_600)
    await assistant.manager.renew_leases_and_fail_orphans()

    assert await answers.fail_orphans(builder.db, assistant.clock.now()) == []
    assert await answers.renew_leases(builder.db, INSTANCE_ID, [], builder.now) == 0


async def test_stopping_ends_running_answers(builder: DatabaseBuilder) -> None:
    """They end with the finish reason `error`, and no new answer is started afterwards."""
    provider = WaitingProvider()
    assistant = AssistantHarness(builder.db, provider)
    assert assistant.manager.new_claim() is not None
    user_id, target = await ask_question(builder)
    assistant.manager.start(target)
    await until(lambda: provider.requests == 1)
    await assistant.manager.stop()

    assert (await _wait_for_end(builder, user_id, target)).finish_reason == "error"
    assert assistant.manager.new_claim() is None


async def test_stopping_does_not_wait_for_an_unavailable_database(
    builder: DatabaseBuilder, database_url: str, pool_login: PoolLogin
) -> None:
    """No task remains after the shutdown grace."""
    provider = WaitingProvider()
    async with databases.pool(database_url, pool_login) as closed_db:
        assistant = AssistantHarness(closed_db, provider, limits=TimeLimits(shutdown_grace=0.1))
        user_id, target = await ask_question(builder)
        assistant.manager.start(target)
        await until(lambda: provider.requests == 1)
    async with asyncio.timeout(60):
        await assistant.manager.stop()
    await until(lambda: assistant.hub.answers(target.conversation_id) == [])

    assert (await messages.get_message(builder.db, user_id, target.message_id)).streaming is True


async def test_nothing_of_an_answer_is_left_when_its_end_is_delivered(
    builder: DatabaseBuilder,
) -> None:
    """A stream that joins at this moment gets neither its state nor its text after the end."""
    provider = WaitingProvider()
    provider.resume.set()
    assistant = AssistantHarness(builder.db, provider)
    user_id, target = await ask_question(builder)
    bounds = await builder.log_bounds(user_id, target.conversation_id)
    assistant.realtime.channels.open(target.conversation_id).start(bounds.position)
    left: list[int] = []

    def note(event: EventRecord) -> None:
        if event.type == "message.done":
            left.append(len(assistant.hub.answers(target.conversation_id)))

    assistant.hub.add_listener(note)
    assistant.manager.start(target)
    await until(lambda: left != [])

    assert left == [0]
