"""Procedures that write and show messages, and the events they tell."""

import asyncio
from typing import Any

import pytest
from tests.support.database.database_builder import MODEL, DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event, event_types

from rustygpt_server.db import conversations, messages, participants, threads
from rustygpt_server.db import events as db_events
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import Conflict, Forbidden, NotFound
from rustygpt_shared import events

HOSTILE = "a\u2028b\n\"quoted\" \\ </script> {x} %s \x1b[31m \U0001f600 'q' $1"


async def test_a_root_tells_its_thread_and_itself(builder: DatabaseBuilder) -> None:
    """A root logs thread.new and message.new, which equal what REST shows."""
    ada = await builder.person("ada", display_name="Ada L")
    room = await builder.conversation(ada)
    written = await builder.post(ada, room, HOSTILE)
    assert written.answer is None
    assert event_types(written.events) == ["thread.new", "message.new"]
    new, message = map(decoded_event, written.events)
    assert isinstance(new, events.ThreadNew)
    assert isinstance(message, events.MessageNew)
    shown = await messages.get_message(builder.db, ada, written.posted.message_id)
    assert message.payload.message == shown
    assert (shown.content, shown.author_name, shown.path) == (HOSTILE, "Ada L", "V")
    (listed,) = (await threads.list_threads(builder.db, ada, room, None, 10)).items
    for field in new.payload.summary.__struct_fields__:
        assert getattr(new.payload.summary, field) == getattr(listed, field)
    tree = await threads.list_tree(builder.db, ada, shown.id, None, 10)
    assert tree.items == [shown]


async def test_a_reply_tells_itself_and_the_activity(builder: DatabaseBuilder) -> None:
    """A reply logs message.new and thread.activity, which equal what REST shows."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada, bob)
    root = await builder.post(ada, room)
    builder.advance_time()
    written = await builder.reply(bob, root.posted.message_id)
    assert event_types(written.events) == ["message.new", "thread.activity"]
    message, activity = map(decoded_event, written.events)
    assert isinstance(message, events.MessageNew)
    assert isinstance(activity, events.ThreadActivity)
    shown = await messages.get_message(builder.db, ada, written.posted.message_id)
    assert message.payload.message == shown
    assert (shown.parent_id, shown.depth, shown.seq) == (root.posted.message_id, 2, 2)
    (listed,) = (await threads.list_threads(builder.db, ada, room, None, 10)).items
    for field in ("root_id", "last_activity_at", "message_count", "participant_count"):
        assert getattr(activity.payload, field) == getattr(listed, field)
    assert (listed.message_count, listed.participant_count) == (2, 2)
    assert listed.last_activity_at == builder.now


async def test_numbers_have_no_holes_under_many_writers(builder: DatabaseBuilder) -> None:
    """Many writers at once: numbers are gapless, in commit order, and seq and keys are unique."""
    people = [await builder.person(f"p{n}") for n in range(4)]
    room = await builder.conversation(people[0], *people[1:])
    root = (await builder.post(people[0], room)).posted.message_id
    await asyncio.gather(*(builder.reply(people[n % 4], root) for n in range(40)))
    logged = await db_events.read_events(builder.db, room, 0, 1_000)
    assert [e.number for e in logged] == list(range(1, 3 + 2 + 80 + 1))
    tree = (await threads.list_tree(builder.db, people[0], root, None, 100)).items
    assert sorted(m.seq for m in tree) == list(range(1, 42))
    assert [m.seq for m in tree] == sorted(m.seq for m in tree), "siblings are chronological"


@pytest.mark.parametrize(
    ("mode", "content", "asks"),
    [
        ("always", "hi", True),
        ("off", "@assistant hi", False),
        ("mention", "hi", False),
        ("mention", "hi @assistant", True),
        ("mention", "(@Assistant), please", True),
        ("mention", "me@assistant.org", False),
        ("mention", "@assistants", False),
    ],
)
async def test_who_asks_the_assistant(
    builder: DatabaseBuilder, mode: Any, content: str, asks: Any
) -> None:
    """The conversation's mode decides which messages begin an answer."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada, mode=mode)
    assert ((await builder.post(ada, room, content)).answer is not None) == asks


async def test_an_answer_begins_with_its_message(builder: DatabaseBuilder) -> None:
    """The answer's row exists at once: streaming, a child of the message, told in the same log."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada, mode="always")
    root = await builder.post(ada, room)
    assert root.answer is not None
    assert event_types(root.events) == ["thread.new", "message.new", "message.new"]
    new, _, begun = map(decoded_event, root.events)
    assert isinstance(new, events.ThreadNew)
    assert isinstance(begun, events.MessageNew)
    shown = await messages.get_message(builder.db, ada, root.answer.message_id)
    assert begun.payload.message == shown
    assert (shown.role, shown.streaming, shown.model, shown.content) == (
        "assistant", True, MODEL, "",
    )  # fmt: skip
    assert (shown.parent_id, shown.depth, shown.author_user_id) == (root.posted.message_id, 2, None)
    assert new.payload.summary.message_count == 2
    reply = await builder.reply(ada, shown.id)
    assert event_types(reply.events) == ["message.new", "message.new", "thread.activity"]
    activity = decoded_event(reply.events[-1])
    assert isinstance(activity, events.ThreadActivity)
    assert activity.payload.message_count == 4


async def test_whose_model_answers(builder: DatabaseBuilder) -> None:
    """The post's model goes before the conversation's, and that before the default."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada, mode="always")
    change = conversations.UpdateConversation(model="rooms")
    default = (await builder.post(ada, room)).answer
    await conversations.update_conversation(builder.db, ada, room, change, builder.now)
    rooms, own = (
        (await builder.post(ada, room)).answer,
        (await builder.post(ada, room, model="own")).answer,
    )
    assert [a and a.model for a in (default, rooms, own)] == [MODEL, "rooms", "own"]


async def test_roles_other_than_user(builder: DatabaseBuilder) -> None:
    """Administrators may write as system, which asks no assistant; nobody writes as assistant."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada, bob, mode="always")
    assert (await builder.post(ada, room, role="system")).answer is None
    for actor, role in ((bob, "system"), (ada, "assistant"), (bob, "assistant")):
        with pytest.raises(Forbidden):
            await builder.post(actor, room, role=role)


async def test_who_may_not_write(builder: DatabaseBuilder) -> None:
    """Viewers and read-only people may not write; strangers and those who left know of nothing."""
    ada, viewer, eve = [await builder.person(n) for n in ("ada", "viewer", "eve")]
    reader = await builder.person("reader", "read_only")
    room = await builder.conversation(ada)
    for user, role in ((viewer, "viewer"), (reader, "member"), (eve, "member")):
        await participants.add_participant(builder.db, ada, room, user, role, builder.now)
    root = (await builder.post(ada, room)).posted.message_id
    await participants.remove_participant(builder.db, eve, room, eve, builder.now)
    for actor, refusal in ((viewer, Forbidden), (reader, Forbidden), (eve, NotFound)):
        with pytest.raises(refusal):
            await builder.post(actor, room)
        with pytest.raises(refusal):
            await builder.reply(actor, root)
    for call in (
        builder.reply(ada, builder.id()),
        builder.post(ada, builder.id()),
        messages.get_message(builder.db, eve, root),
        messages.list_chunks(builder.db, eve, root, 0, 10),
    ):
        with pytest.raises(NotFound):
            await call
    assert (await messages.get_message(builder.db, viewer, root)).id == root


async def test_refused_posts_leave_no_hole(builder: DatabaseBuilder) -> None:
    """A refused post takes no number."""
    ada, viewer = await builder.person("ada"), await builder.person("viewer")
    room = await builder.conversation(ada, viewer, role="viewer")
    before = await builder.log_bounds(ada, room)
    with pytest.raises(Forbidden):
        await builder.post(viewer, room)
    with pytest.raises(Forbidden):
        await builder.post(ada, room, role="assistant")
    assert await builder.log_bounds(ada, room) == before


async def test_same_key_writes_once(builder: DatabaseBuilder) -> None:
    """A repeated key answers the first answer again and writes nothing, also at the same moment."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada, mode="always")
    once = IdempotencyKey("k" * 128, b"h" * 32)
    told_all = await asyncio.gather(*(builder.post(ada, room, once=once) for _ in range(5)))
    assert len({w.posted for w in told_all}) == 1
    assert sum(w.replayed for w in told_all) == 4
    assert sum(bool(w.events) for w in told_all) == 1
    assert sum(w.answer is not None for w in told_all) == 1
    root = told_all[0].posted.message_id
    with pytest.raises(Conflict):
        await builder.post(ada, room, once=IdempotencyKey("k" * 128, b"i" * 32))
    child = IdempotencyKey("child", b"c" * 32)
    first, again = [await builder.reply(ada, root, once=child) for _ in range(2)]
    assert again.posted == first.posted
    assert (await builder.log_bounds(ada, room)).position == 3 + 3
    builder.advance_time(86_401)
    assert not (await builder.post(ada, room, once=once)).replayed


async def test_keys_belong_to_their_user(builder: DatabaseBuilder) -> None:
    """Two people may use the same key."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada, bob)
    once = IdempotencyKey("key", b"h" * 32)
    assert not (await builder.post(ada, room, once=once)).replayed
    assert not (await builder.post(bob, room, once=once)).replayed


async def test_a_name_stays_as_it_was_told(builder: DatabaseBuilder) -> None:
    """A later name does not change what a stream told of an earlier message."""
    ada = await builder.person("ada", display_name="First")
    room = await builder.conversation(ada)
    root = (await builder.post(ada, room)).posted.message_id
    await builder.db.fetch(
        "SELECT * FROM rustygpt.update_me($1, $2)", ada, '{"display_name": "Now"}'
    )
    assert (await messages.get_message(builder.db, ada, root)).author_name == "First"
