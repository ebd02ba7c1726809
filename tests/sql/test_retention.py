"""Retention: what is deleted, when, and what is not."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import INSTANCE_ID, DatabaseBuilder
from tests.support.streams.decoded_events import event_types

from rustygpt_server.db import answers, conversations, events, messages, retention, threads
from rustygpt_server.db.answers import AnswerResult
from rustygpt_server.errors import Forbidden, Gone, NotFound
from rustygpt_shared.models.retention import ConversationRetention, ExpiredCounts
from rustygpt_shared.requests import EditMessage

SECRET = "the secret of the vault"
DAY = 86_400


async def keep(builder: DatabaseBuilder, conversation_id: UUID | None = None, **days: Any) -> None:
    """Set the retention."""
    await retention.set_retention(builder.db, builder.admin, conversation_id, days)


async def expire(builder: DatabaseBuilder, conversation_id: UUID) -> int:
    """Delete all texts that are too old; return of how many messages."""
    count = 0
    while expired := await retention.expire_messages(builder.db, conversation_id, 2, builder.now):
        if not expired.count:
            return count
        count += expired.count
    raise AssertionError


async def purge(builder: DatabaseBuilder, conversation_id: UUID) -> int:
    """Delete the kept texts of deleted messages; return of how many."""
    count = 0
    while purged := await retention.purge_deleted_messages(
        builder.db, conversation_id, 2, builder.now
    ):
        count += purged
    return count


async def texts(superuser: Any) -> list[str]:
    """The tables that still have the secret, whatever their columns."""
    names = await superuser.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'rustygpt'"
    )
    found = []
    for (name,) in names:
        if await superuser.fetchval(
            f"SELECT count(*) FROM rustygpt.{name} t WHERE t::text LIKE '%' || $1 || '%'", SECRET
        ):
            found.append(name)
    return sorted(found)


async def answered(builder: DatabaseBuilder, asker: UUID, conversation_id: UUID) -> UUID:
    """Post a question and finish its answer; return the answer's id."""
    posted = await builder.post(asker, conversation_id, "a question")
    assert posted.answer
    id_ = posted.answer.message_id
    await answers.append_chunks(builder.db, id_, INSTANCE_ID, 0, [SECRET], builder.now)
    result = AnswerResult(SECRET, "stop", reasoning=SECRET)
    await answers.finish_answer(builder.db, id_, INSTANCE_ID, result, builder.now)
    return id_


async def test_old_messages_lose_their_text_everywhere(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """With revisions, chunks, excerpts and what the event log has of it; their place stays."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann, mode="always")
    root = (await builder.post(ann, conversation_id, SECRET)).posted.message_id
    await messages.edit_message(builder.db, ann, root, EditMessage(f"{SECRET} again"), builder.now)
    answer = await answered(builder, ann, conversation_id)
    await keep(builder, messages_days=30)
    builder.advance_time(29 * DAY)
    assert await expire(builder, conversation_id) == 0
    builder.advance_time(DAY + 1)

    assert await expire(builder, conversation_id) == 3
    assert await texts(superuser) == []
    page = await threads.list_tree(builder.db, ann, root, threads.TreeStart(), 10)
    assert [one.content for one in page.items] == ["", ""]
    assert (await messages.get_message(builder.db, ann, answer)).deleted_at == builder.now


async def test_later_messages_of_a_thread_stay(builder: DatabaseBuilder) -> None:
    """With their excerpts and counts; readers of the stream get every change."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    root = (await builder.post(ann, conversation_id, SECRET)).posted.message_id
    await keep(builder, messages_days=1)
    builder.advance_time(DAY + 1)
    reply = (await builder.reply(ann, root, "later")).posted.message_id
    position = (await builder.log_bounds(ann, conversation_id)).position
    assert await expire(builder, conversation_id) == 1
    logged = await events.read_events(builder.db, conversation_id, position, 10)
    [thread] = (await threads.list_threads(builder.db, ann, conversation_id, None, 10)).items

    assert event_types(logged) == ["message.updated", "thread.activity"]
    assert (thread.message_count, thread.root_excerpt) == (1, "")
    assert (await messages.get_message(builder.db, ann, reply)).content == "later"
    shown = await conversations.show_conversation(builder.db, ann, conversation_id)
    assert shown.last_message_excerpt == "later"


async def test_an_expired_message_cannot_be_restored(builder: DatabaseBuilder) -> None:
    """The refusal says why."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    root = (await builder.post(ann, conversation_id, SECRET)).posted.message_id
    await keep(builder, messages_days=1)
    builder.advance_time(DAY + 1)
    await expire(builder, conversation_id)
    with pytest.raises(Gone, match="not kept any longer"):
        await messages.restore_message(builder.db, ann, root, builder.now)


async def test_an_answer_in_progress_is_not_touched(builder: DatabaseBuilder) -> None:
    """It expires when it is finished."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann, mode="always")
    posted = await builder.post(ann, conversation_id)
    assert posted.answer
    await keep(builder, messages_days=1)
    builder.advance_time(DAY + 1)

    assert await expire(builder, conversation_id) == 1
    result = AnswerResult("the end", "stop")
    await answers.finish_answer(
        builder.db, posted.answer.message_id, INSTANCE_ID, result, builder.now
    )
    assert await expire(builder, conversation_id) == 1


async def test_texts_of_deleted_messages_are_kept_for_a_while(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """They can be restored until then, and not afterwards."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    roots = [(await builder.post(ann, conversation_id, SECRET)).posted.message_id for _ in range(3)]
    for root in roots:
        await messages.delete_message(builder.db, ann, root, None, builder.now)
    await keep(builder, deleted_messages_days=7)
    builder.advance_time(7 * DAY - 1)
    assert await purge(builder, conversation_id) == 0
    await messages.restore_message(builder.db, ann, roots[0], builder.now)
    await messages.delete_message(builder.db, ann, roots[0], None, builder.now)
    builder.advance_time(2)

    assert await purge(builder, conversation_id) == 2
    with pytest.raises(Gone):
        await messages.restore_message(builder.db, ann, roots[1], builder.now)
    builder.advance_time(7 * DAY)
    assert await purge(builder, conversation_id) == 1
    assert await texts(superuser) == []


async def test_the_text_of_a_deleted_message_is_no_older_than_others(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Without a retention of deleted messages, that of messages applies to it."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    root = (await builder.post(ann, conversation_id, SECRET)).posted.message_id
    builder.advance_time(10 * DAY)
    await messages.delete_message(builder.db, ann, root, None, builder.now)
    await keep(builder, messages_days=9)

    assert await purge(builder, conversation_id) == 1
    assert await texts(superuser) == []


async def test_a_conversation_may_differ(builder: DatabaseBuilder) -> None:
    """Its own retention wins over the server's, and goes with its last value."""
    ann = await builder.person("ann")
    short, long = [await builder.conversation(ann) for _ in range(2)]
    for one in (short, long):
        await builder.post(ann, one)
    await keep(builder, messages_days=10)
    await keep(builder, long, messages_days=36_500)
    await keep(builder, short, messages_days=2, deleted_messages_days=1)
    builder.advance_time(11 * DAY)
    checked = await retention.list_expired(builder.db, None, 10, builder.now)

    assert {one.conversation_id: one.expired for one in checked} == {short: True, long: False}
    assert [await expire(builder, one) for one in (short, long)] == [1, 0]
    await keep(builder, long, messages_days=None)
    listed = await retention.list_conversation_retention(builder.db, builder.admin, None, 10)
    assert listed == [ConversationRetention(short, 2, 1)]
    assert await expire(builder, long) == 1


async def test_only_conversations_with_a_retention_are_visited(builder: DatabaseBuilder) -> None:
    """If the server keeps everything for ever."""
    ann = await builder.person("ann")
    one, _ = [await builder.conversation(ann) for _ in range(2)]
    assert await retention.list_expired(builder.db, None, 10, builder.now) == []
    await keep(builder, one, deleted_messages_days=1)
    [checked] = await retention.list_expired(builder.db, None, 10, builder.now)

    assert (checked.conversation_id, checked.expired) == (one, False)
    assert await retention.list_expired(builder.db, one, 10, builder.now) == []


async def test_a_preview_counts_what_would_go_and_changes_nothing(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Its numbers are those of the deletion afterwards."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    roots = [(await builder.post(ann, conversation_id)).posted.message_id for _ in range(5)]
    for root in roots[:2]:
        await messages.delete_message(builder.db, ann, root, None, builder.now)
    stored = (await builder.log_bounds(ann, conversation_id)).position
    builder.advance_time(3 * DAY)
    days = {"messages_days": 1, "deleted_messages_days": 1, "events_days": 1}
    counted = await retention.preview_retention(
        builder.db, builder.admin, None, days, builder.now, 1_000
    )

    assert counted == ExpiredCounts(3, 2, stored, 0)
    assert await superuser.fetchval("SELECT count(*) FROM rustygpt.retention") == 0
    actions = await superuser.fetch("SELECT DISTINCT action FROM rustygpt.audit_entries")
    assert ("retention.changed",) not in [tuple(row) for row in actions]
    bounded = await retention.preview_retention(
        builder.db, builder.admin, conversation_id, {"messages_days": 1}, builder.now, 2
    )
    assert bounded == ExpiredCounts(2, 2, 0, 0)
    await keep(builder, **days)
    assert await expire(builder, conversation_id) == 3
    assert await purge(builder, conversation_id) == 2


async def test_events_are_pruned_by_the_shorter_time(builder: DatabaseBuilder) -> None:
    """Of the settings and of the retention."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    await builder.post(ann, conversation_id)
    builder.advance_time(2 * DAY)

    async def prune(hours: int) -> int:
        return await events.prune_events(
            builder.db, builder.now, retention_hours=hours, max_per_conversation=100, batch=100
        )

    assert await prune(100) == 0
    await keep(builder, events_days=1)
    assert await prune(100) > 0


async def test_an_empty_thread_goes_when_no_stream_lacks_that(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Its last deletion has left the log, and nothing in it can be restored."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    root = (await builder.post(ann, conversation_id)).posted.message_id
    for n in range(3):
        await builder.reply(ann, root, str(n))
    await keep(builder, messages_days=1)
    builder.advance_time(DAY + 1)
    kept = (await builder.post(ann, conversation_id)).posted.root_id
    await expire(builder, conversation_id)

    async def remove() -> int:
        return await retention.remove_empty_threads(builder.db, conversation_id, 3, builder.now)

    assert await remove() == 0
    await superuser.execute("DELETE FROM rustygpt.events")
    calls = 0
    while await remove():
        calls += 1
    listed = await threads.list_threads(builder.db, ann, conversation_id, None, 10)
    assert calls == 2
    assert [one.root_id for one in listed.items] == [kept]
    with pytest.raises(NotFound):
        await messages.get_message(builder.db, ann, root)


async def test_a_restorable_message_keeps_its_thread(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Until its text is purged."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    root = (await builder.post(ann, conversation_id)).posted.message_id
    await messages.delete_message(builder.db, ann, root, None, builder.now)
    await superuser.execute("DELETE FROM rustygpt.events")
    await keep(builder, messages_days=1)
    builder.advance_time(DAY + 1)
    remove = retention.remove_empty_threads
    assert await remove(builder.db, conversation_id, 5, builder.now) == 0
    assert await purge(builder, conversation_id) == 1
    assert await remove(builder.db, conversation_id, 5, builder.now) == 1


async def test_only_administrators_set_it(builder: DatabaseBuilder) -> None:
    """Owners of a conversation do not, nor do they see it."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    with pytest.raises(Forbidden):
        await retention.set_retention(builder.db, ann, conversation_id, {"messages_days": 1})
    with pytest.raises(Forbidden):
        await retention.show_retention(builder.db, ann)
    with pytest.raises(NotFound):
        await keep(builder, builder.id(), messages_days=1)
    shown = await retention.show_retention(builder.db, builder.admin)
    assert shown == retention.ServerRetention(None, None, None, None)


async def test_ages_are_those_of_the_text(builder: DatabaseBuilder) -> None:
    """A second before the time nothing goes."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    await builder.post(ann, conversation_id)
    await keep(builder, messages_days=1)
    builder.now += timedelta(days=1)
    assert await expire(builder, conversation_id) == 0
    builder.now += timedelta(microseconds=1)
    assert await expire(builder, conversation_id) == 1
