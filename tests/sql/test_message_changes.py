"""The procedures that edit, delete and restore messages, and regenerate answers."""

from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import INSTANCE_ID, DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event, event_types

from rustygpt_server.db import answers, conversations, messages, participants, threads
from rustygpt_server.db import events as db_events
from rustygpt_server.db.answers import AnswerResult
from rustygpt_server.db.messages import PostResult
from rustygpt_server.db.rows import EventRecord, IdempotencyKey
from rustygpt_server.errors import Conflict, Forbidden
from rustygpt_shared.models.messages import Revision
from rustygpt_shared.requests import EditMessage, UpdateConversation

SECRET = "the secret of the vault"


async def edit(
    builder: DatabaseBuilder, actor: UUID, id: UUID, text: str, reason: str | None = None
) -> list[EventRecord]:
    """Edit a message a moment later."""
    request = EditMessage(text, reason)
    return await messages.edit_message(builder.db, actor, id, request, builder.advance_time())


async def delete(builder: DatabaseBuilder, actor: UUID, id: UUID) -> list[EventRecord]:
    """Delete a message a moment later."""
    return await messages.delete_message(builder.db, actor, id, None, builder.advance_time())


async def restore(builder: DatabaseBuilder, actor: UUID, id: UUID) -> list[EventRecord]:
    """Restore a message a moment later."""
    return await messages.restore_message(builder.db, actor, id, builder.advance_time())


async def regenerate(
    builder: DatabaseBuilder, actor: UUID, id: UUID, key: IdempotencyKey | None = None
) -> PostResult:
    """Regenerate an answer with its own model."""
    return await answers.regenerate_answer(
        builder.db, actor, id, None, ["demo", "other"], key, builder.new_claim(), builder.now
    )


async def revisions(builder: DatabaseBuilder, actor: UUID, id: UUID) -> list[Revision]:
    """All revisions of a message."""
    return (await messages.list_revisions(builder.db, actor, id, None, 50))[0]


async def answered(builder: DatabaseBuilder, asker: UUID, conversation_id: UUID) -> UUID:
    """Post a question and finish its answer; return the answer's id."""
    posted = await builder.post(asker, conversation_id, "a question")
    assert posted.answer
    id_ = posted.answer.message_id
    await answers.append_chunks(builder.db, id_, INSTANCE_ID, 0, [SECRET], builder.now)
    result = AnswerResult(SECRET, "stop", reasoning="thought")
    await answers.finish_answer(builder.db, id_, INSTANCE_ID, result, builder.now)
    return id_


async def test_an_edit_replaces_the_text_and_keeps_the_earlier_ones(
    builder: DatabaseBuilder,
) -> None:
    """The latest earlier text comes first, with who replaced it and why."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id, "one")).posted.message_id
    await edit(builder, ada, root, "two")
    first_edit = builder.now
    await edit(builder, ada, root, "three", "a slip")
    shown = await messages.get_message(builder.db, ada, root)
    assert (shown.content, shown.edited_at) == ("three", builder.now)
    second, first = await revisions(builder, ada, root)
    assert (first.number, first.content, first.written_at) == (1, "one", shown.created_at)
    assert second == Revision(2, "two", first_edit, "edited", builder.now, ada, reason="a slip")


async def test_revisions_come_in_pages(builder: DatabaseBuilder) -> None:
    """A page continues before the number of its last revision."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id, "0")).posted.message_id
    for number in range(1, 6):
        await edit(builder, ada, root, str(number))
    page, more = await messages.list_revisions(builder.db, ada, root, None, 3)
    assert ([r.content for r in page], more) == (["4", "3", "2"], True)
    page, more = await messages.list_revisions(builder.db, ada, root, page[-1].number, 3)
    assert ([r.content for r in page], more) == (["1", "0"], False)


async def test_an_edit_of_a_root_changes_both_excerpts(builder: DatabaseBuilder) -> None:
    """The thread's excerpt, and the conversation's while the root is its last message."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id, "one")).posted.message_id
    changed = await edit(builder, ada, root, "two")
    assert event_types(changed) == ["message.updated", "thread.activity", "conversation.updated"]
    await builder.reply(ada, root, "last")
    changed = await edit(builder, ada, root, "three")
    assert event_types(changed) == ["message.updated", "thread.activity"]
    (listed,) = (await threads.list_threads(builder.db, ada, conversation_id, None, 10)).items
    shown = await conversations.show_conversation(builder.db, ada, conversation_id)
    assert (listed.root_excerpt, shown.last_message_excerpt) == ("three", "last")


async def test_the_same_text_is_no_edit(builder: DatabaseBuilder) -> None:
    """It logs no event, and is no revision."""
    ada = await builder.person("ada")
    root = (await builder.post(ada, await builder.conversation(ada), "one")).posted.message_id
    assert await edit(builder, ada, root, "one") == []
    assert await revisions(builder, ada, root) == []


async def test_an_edit_makes_nothing_unread(builder: DatabaseBuilder) -> None:
    """What was read stays read, and what was unread counts once."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id, "one")).posted.message_id
    await edit(builder, ada, root, "two")
    (listed,) = (await threads.list_threads(builder.db, bob, conversation_id, None, 10)).items
    assert listed.unread == 1


async def test_a_deleted_message_keeps_its_place_without_a_text(builder: DatabaseBuilder) -> None:
    """It is not unread, and not counted in its thread."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id, SECRET)).posted.message_id
    before = await messages.get_message(builder.db, ada, root)
    await builder.reply(ada, root, "below")
    changed = await delete(builder, ada, root)
    deleted_at = builder.now
    assert event_types(changed) == ["message.updated", "thread.activity"]
    assert await delete(builder, ada, root) == []
    tree = (await threads.list_tree(builder.db, bob, root, threads.TreeStart(), 10)).items
    assert [m.content for m in tree] == ["", "below"]
    assert (tree[0].deleted_at, tree[0].deleted_by, tree[0].path) == (deleted_at, ada, before.path)
    (listed,) = (await threads.list_threads(builder.db, bob, conversation_id, None, 10)).items
    assert (listed.unread, listed.message_count, listed.root_excerpt) == (1, 1, "")


async def test_the_text_of_a_deleted_message_is_nowhere(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Neither in a list, nor in the log of events, nor in any table but that of the revisions."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id, "something else")).posted.message_id
    await edit(builder, ada, root, SECRET)
    await builder.reply(ada, root, "below")
    change = UpdateConversation(title="new")
    await edit(builder, ada, root, f"{SECRET} again")
    last = (await builder.post(ada, conversation_id, SECRET)).posted.message_id
    await conversations.update_conversation(builder.db, ada, conversation_id, change, builder.now)
    await delete(builder, ada, root)
    await delete(builder, ada, last)
    logged = await db_events.read_events(builder.db, conversation_id, 0, 1_000)
    assert [event.number for event in logged] == list(range(1, len(logged) + 1))
    assert not [event for event in logged if SECRET in event.payload]
    assert not [event for event in logged if "something else" in event.payload]
    assert [decoded_event(event).id for event in logged]
    shown = await conversations.show_conversation(builder.db, ada, conversation_id)
    assert shown.last_message_excerpt == "below"
    tables = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND "
        "relnamespace = 'rustygpt'::regnamespace"
    )
    found = {
        name for (name,) in tables
        if await superuser.fetchval(
            f"SELECT count(*) FROM rustygpt.{name} AS t WHERE t::text LIKE $1", f"%{SECRET}%")
    }  # fmt: skip
    assert found == {"revisions"}


async def test_a_restored_message_has_its_text_again(builder: DatabaseBuilder) -> None:
    """It counts again, and its earlier texts are what they were."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(ada, conversation_id, "one")).posted.message_id
    await edit(builder, ada, root, "two")
    before = await messages.get_message(builder.db, ada, root)
    await delete(builder, ada, root)
    changed = await restore(builder, ada, root)
    assert event_types(changed) == ["message.updated", "thread.activity", "conversation.updated"]
    assert await restore(builder, ada, root) == []
    assert await messages.get_message(builder.db, ada, root) == before
    assert [r.content for r in await revisions(builder, bob, root)] == ["one"]
    (listed,) = (await threads.list_threads(builder.db, bob, conversation_id, None, 10)).items
    assert (listed.unread, listed.message_count, listed.root_excerpt) == (1, 1, "two")


async def test_an_answer_keeps_its_reasoning_over_a_deletion(builder: DatabaseBuilder) -> None:
    """Text, reasoning and chunks are hidden while it is deleted."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    answer = await answered(builder, ada, conversation_id)
    before = await messages.get_message(builder.db, ada, answer)
    await delete(builder, ada, answer)
    hidden = await messages.get_message(builder.db, ada, answer)
    assert (hidden.content, hidden.reasoning) == ("", None)
    assert await messages.list_chunks(builder.db, ada, answer, 0, 10) == []
    await restore(builder, ada, answer)
    assert await messages.get_message(builder.db, ada, answer) == before
    assert len(await messages.list_chunks(builder.db, ada, answer, 0, 10)) == 1


async def test_the_prompt_has_no_deleted_message(builder: DatabaseBuilder) -> None:
    """Neither the ancestors' texts nor their earlier revisions."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    answer = await answered(builder, ada, conversation_id)
    follow_up = await builder.reply(ada, answer, "and then?")
    assert follow_up.answer
    await delete(builder, ada, answer)
    prompt = await answers.list_prompt(builder.db, follow_up.answer.message_id, 10_000)
    assert [m.content for m in prompt.messages] == ["a question", "and then?"]


async def test_deleting_an_answer_in_progress_ends_it(builder: DatabaseBuilder) -> None:
    """Its process holds the lease no more; a restoration shows the text so far as cancelled."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    posted = await builder.post(ada, conversation_id)
    assert posted.answer
    id_ = posted.answer.message_id
    await answers.append_chunks(builder.db, id_, INSTANCE_ID, 0, [SECRET], builder.now)
    changed = await delete(builder, ada, id_)
    assert event_types(changed) == ["message.updated", "message.done", "thread.activity"]
    with pytest.raises(Conflict):
        await answers.append_chunks(builder.db, id_, INSTANCE_ID, 1, ["x"], builder.now)
    result = AnswerResult(SECRET, "stop")
    assert await answers.finish_answer(builder.db, id_, INSTANCE_ID, result, builder.now) == []
    await restore(builder, ada, id_)
    shown = await messages.get_message(builder.db, ada, id_)
    assert (shown.content, shown.finish_reason, shown.streaming) == (SECRET, "cancelled", False)


async def test_what_cannot_be_edited_is_a_conflict(builder: DatabaseBuilder) -> None:
    """A deleted message, an answer in progress, and a message of an archived conversation."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    posted = await builder.post(ada, conversation_id)
    assert posted.answer
    with pytest.raises(Conflict, match="still being written"):
        await edit(builder, ada, posted.answer.message_id, "x")
    root = posted.posted.message_id
    await delete(builder, ada, root)
    with pytest.raises(Conflict, match="restore it"):
        await edit(builder, ada, root, "x")
    await restore(builder, ada, root)
    archived = UpdateConversation(archived=True)
    await conversations.update_conversation(builder.db, ada, conversation_id, archived, builder.now)
    for refused in (
        edit(builder, ada, root, "x"),
        builder.reply(ada, root),
        builder.post(ada, conversation_id),
        regenerate(builder, ada, root),
    ):
        with pytest.raises(Conflict, match="archived"):
            await refused
    await delete(builder, ada, root)
    await restore(builder, ada, root)


@pytest.mark.parametrize(
    ("role", "allowed"), [("admin", True), ("owner", True), ("member", False), ("viewer", False)]
)
async def test_roles_decide_who_changes_messages_of_others(
    builder: DatabaseBuilder, role: Any, allowed: bool
) -> None:
    """Administrators of the conversation change every message, others their own only."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, mode="always")
    await participants.add_participant(builder.db, ada, conversation_id, bob, role, builder.now)
    answer = await answered(builder, ada, conversation_id)
    root = (await messages.get_message(builder.db, ada, answer)).root_id
    for id_ in (root, answer):
        for change in (
            edit(builder, bob, id_, "by bob"), delete(builder, bob, id_),
            restore(builder, bob, id_),
        ):  # fmt: skip
            if allowed:
                await change
            else:
                with pytest.raises(Forbidden):
                    await change
    if not allowed:
        with pytest.raises(Forbidden):
            await regenerate(builder, bob, answer)


async def test_a_viewer_cannot_change_what_they_wrote_as_a_member(builder: DatabaseBuilder) -> None:
    """A user who may not write any more may not change either."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = (await builder.post(bob, conversation_id)).posted.message_id
    await participants.add_participant(builder.db, ada, conversation_id, bob, "viewer", builder.now)
    with pytest.raises(Forbidden):
        await edit(builder, bob, root, "x")
    with pytest.raises(Forbidden):
        await delete(builder, bob, root)


async def test_an_author_cannot_undo_a_deletion_by_an_administrator(
    builder: DatabaseBuilder,
) -> None:
    """The author sees the text, but only an administrator restores it."""
    ada, bob, cid = [await builder.person(name) for name in ("ada", "bob", "cid")]
    conversation_id = await builder.conversation(ada, bob, cid)
    root = (await builder.post(bob, conversation_id, SECRET)).posted.message_id
    await delete(builder, ada, root)
    with pytest.raises(Forbidden, match="administrator deleted"):
        await restore(builder, bob, root)
    for reader in (ada, bob):
        assert [r.content for r in await revisions(builder, reader, root)] == [SECRET]
    with pytest.raises(Forbidden):
        await revisions(builder, cid, root)
    await restore(builder, ada, root)
    assert await revisions(builder, cid, root) == []


async def test_regenerating_starts_a_sibling(builder: DatabaseBuilder) -> None:
    """The old answer stays; the new one follows it, with the same parent and model."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    old = await answered(builder, ada, conversation_id)
    builder.advance_time()
    result = await regenerate(builder, ada, old)
    assert event_types(result.events) == ["message.new", "thread.activity"]
    assert result.answer
    assert result.posted.answer_id == result.posted.message_id == result.answer.message_id
    new = await messages.get_message(builder.db, ada, result.posted.message_id)
    before = await messages.get_message(builder.db, ada, old)
    assert (new.parent_id, new.depth, new.model) == (before.parent_id, 2, before.model)
    assert (new.streaming, new.seq, new.created_at) == (True, 3, builder.now)
    tree = (await threads.list_tree(builder.db, ada, new.root_id, threads.TreeStart(), 10)).items
    assert [m.id for m in tree] == [new.root_id, old, new.id]
    assert decoded_event(result.events[0]).payload.message == new
    (listed,) = (await threads.list_threads(builder.db, ada, conversation_id, None, 10)).items
    assert (listed.message_count, listed.last_activity_at) == (3, builder.now)


async def test_a_repeated_key_regenerates_once(builder: DatabaseBuilder) -> None:
    """The second request gets the ids of the first one, and no event."""
    ada = await builder.person("ada")
    old = await answered(builder, ada, await builder.conversation(ada, mode="always"))
    key = IdempotencyKey("once", b"x" * 32)
    first = await regenerate(builder, ada, old, key)
    second = await regenerate(builder, ada, old, key)
    assert (second.replayed, second.events, second.posted) == (True, [], first.posted)


async def test_what_cannot_be_regenerated_is_a_conflict(builder: DatabaseBuilder) -> None:
    """A question, an answer in progress, one whose question is deleted, and where it is off."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    old = await answered(builder, ada, conversation_id)
    question = (await messages.get_message(builder.db, ada, old)).root_id
    running = (await regenerate(builder, ada, old)).posted.message_id
    for id_, words in ((question, "Only an answer"), (running, "still being written")):
        with pytest.raises(Conflict, match=words):
            await regenerate(builder, ada, id_)
    await delete(builder, ada, question)
    with pytest.raises(Conflict, match="question is deleted"):
        await regenerate(builder, ada, old)
    await restore(builder, ada, question)
    off = UpdateConversation(assistant_mode="off")
    await conversations.update_conversation(builder.db, ada, conversation_id, off, builder.now)
    with pytest.raises(Conflict, match="is off"):
        await regenerate(builder, ada, old)
