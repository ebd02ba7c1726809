"""The procedures in sql/procedures/usage, and the usage of answers that end."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest
from tests.support.database.database_builder import INSTANCE_ID, MODEL, DatabaseBuilder

from rustygpt_server.assistant.prompt import estimate_tokens
from rustygpt_server.db import answers, conversations, messages, usage
from rustygpt_server.db.answers import AnswerResult
from rustygpt_server.db.usage import UsageFilter
from rustygpt_server.errors import Forbidden, NotFound
from rustygpt_shared.models.assistant import UsageEntry
from rustygpt_shared.models.messages import Usage


async def _ask(builder: DatabaseBuilder, user: UUID) -> tuple[UUID, UUID]:
    """Return a conversation, and the answer in progress to a user's question there."""
    conversation_id = await builder.conversation(user, mode="always")
    answer = (await builder.post(user, conversation_id, "question")).answer
    assert answer is not None
    return conversation_id, answer.message_id


async def _finish(builder: DatabaseBuilder, answer: UUID, used: Usage | None) -> None:
    result = AnswerResult("text", "stop", usage=used)
    await answers.finish_answer(builder.db, answer, INSTANCE_ID, result, builder.now)


async def _list(builder: DatabaseBuilder, actor: UUID, **filters: object) -> list[UsageEntry]:
    return await usage.list_usage(builder.db, actor, UsageFilter(**filters), None, 100)  # type: ignore[arg-type]


async def test_the_end_of_an_answer_adds_its_usage(builder: DatabaseBuilder) -> None:
    """For the user who asked; the part that was estimated is counted separately."""
    ada = await builder.person("ada")
    for used in (Usage(10, 5, 15), Usage(3, 2, 5, estimated=True), None):
        await _finish(builder, (await _ask(builder, ada))[1], used)

    assert await _list(builder, ada) == [
        UsageEntry(builder.now.date(), ada, "ada", MODEL, 2, 13, 7, 20, 5)
    ]


async def test_an_answer_that_ends_twice_counts_once(builder: DatabaseBuilder) -> None:
    """Also when both ends arrive at the same moment."""
    ada = await builder.person("ada")
    _, answer = await _ask(builder, ada)
    await asyncio.gather(*(_finish(builder, answer, Usage(10, 5, 15)) for _ in range(4)))

    assert [entry.total_tokens for entry in await _list(builder, ada)] == [15]


async def test_days_are_those_of_utc(builder: DatabaseBuilder) -> None:
    """Each day has an entry of its own, the latest first; since and until include their days."""
    ada = await builder.person("ada")
    builder.now = builder.now.replace(hour=23, minute=59)
    first = builder.now.date()
    for _ in range(3):
        await usage.record_usage(builder.db, ada, "m", Usage(1, 1, 2), builder.now)
        builder.advance_time(86_400)

    days = [first + timedelta(days=n) for n in (2, 1, 0)]
    assert [entry.day for entry in await _list(builder, ada)] == days
    assert [e.day for e in await _list(builder, ada, since=days[1], until=days[1])] == [days[1]]
    assert await usage.show_tokens_used(builder.db, ada, builder.now) == 0
    yesterday = builder.now - timedelta(days=1)
    assert await usage.show_tokens_used(builder.db, ada, yesterday) == 2


async def test_an_orphaned_answer_counts_by_its_stored_text(builder: DatabaseBuilder) -> None:
    """The answers of a process that died have an estimate, and so has the message."""
    ada = await builder.person("ada")
    _, answer = await _ask(builder, ada)
    await answers.append_chunks(builder.db, answer, INSTANCE_ID, 0, ["half an ans"], builder.now)
    _, without_text = await _ask(builder, ada)
    builder.advance_time(60)
    ended = await answers.fail_orphans(builder.db, builder.now)

    tokens = estimate_tokens("half an ans")
    assert {orphan.message_id for orphan in ended} == {answer, without_text}
    [entry] = await _list(builder, ada)
    assert (entry.answers, entry.total_tokens, entry.estimated_tokens) == (1, tokens, tokens)
    shown = await messages.get_message(builder.db, ada, answer)
    assert shown.usage == Usage(0, tokens, tokens, estimated=True)


async def test_usage_stays_when_its_conversation_is_deleted(builder: DatabaseBuilder) -> None:
    """Answers in progress count by what is stored of them, for each user who asked for one."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob, mode="always")
    for user in (ada, bob):
        started = (await builder.post(user, conversation_id, "question")).answer
        assert started is not None
        await answers.append_chunks(
            builder.db, started.message_id, INSTANCE_ID, 0, ["half"], builder.now
        )
    done = (await builder.post(ada, conversation_id, "question")).answer
    assert done is not None
    await _finish(builder, done.message_id, Usage(10, 5, 15))
    await conversations.delete_conversation(builder.db, ada, conversation_id, builder.now)

    tokens = estimate_tokens("half")
    assert [e.total_tokens for e in await _list(builder, ada)] == [15 + tokens]
    assert [e.total_tokens for e in await _list(builder, bob)] == [tokens]


async def test_only_administrators_see_the_usage_of_others(builder: DatabaseBuilder) -> None:
    """By id, or by name without regard to case; an unknown account is not found."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    for user in (ada, bob):
        await usage.record_usage(builder.db, user, "m", Usage(1, 1, 2), builder.now)

    for user_filter in ("ADA", str(ada), "ada"):
        assert [e.user_id for e in await _list(builder, builder.admin, user=user_filter)] == [ada]
        assert [e.user_id for e in await _list(builder, ada, user=user_filter)] == [ada]
        with pytest.raises(Forbidden):
            await _list(builder, bob, user=user_filter)
    everyone = await _list(builder, builder.admin, everyone=True)
    assert {entry.username for entry in everyone} == {"ada", "bob"}
    with pytest.raises(Forbidden):
        await _list(builder, ada, everyone=True)
    with pytest.raises(Forbidden):
        await _list(builder, ada, user="nobody")
    with pytest.raises(NotFound):
        await _list(builder, builder.admin, user="nobody")


async def test_pages_have_each_entry_once(builder: DatabaseBuilder) -> None:
    """A page begins after the last entry of the page before, also within a day and a user."""
    users = [await builder.person(name) for name in ("ada", "bob")]
    for _ in range(2):
        for user in users:
            for model in ("a", "B", "b"):
                await usage.record_usage(builder.db, user, model, Usage(1, 1, 2), builder.now)
        builder.advance_time(86_400)
    found: list[tuple[date, UUID, str]] = []
    while True:
        after = found[-1] if found else None
        page = await usage.list_usage(
            builder.db, builder.admin, UsageFilter(everyone=True), after, 5
        )
        found += [(entry.day, entry.user_id, entry.model) for entry in page]
        if len(page) < 5:
            break

    assert len(found) == len(set(found)) == 12
    assert found == sorted(found, key=lambda e: (-e[0].toordinal(), e[1], e[2]))


async def test_a_reader_may_have_no_completions(builder: DatabaseBuilder) -> None:
    """An account that only reads is refused; others get what they have used."""
    ada = await builder.person("ada")
    eve = await builder.person("eve", "read_only")
    await usage.record_usage(builder.db, ada, "m", Usage(1, 1, 2), builder.now)

    assert await usage.authorize_completion(builder.db, ada, builder.now) == 2
    with pytest.raises(Forbidden):
        await usage.authorize_completion(builder.db, eve, builder.now)
