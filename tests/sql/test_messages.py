"""The procedures in sql/procedures/messages, and the events that they log."""

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


async def test_a_root_logs_its_thread_and_itself(builder: DatabaseBuilder) -> None:
    """A root logs thread.new and message.new, which equal what the API shows."""
    ada = await builder.person("ada", display_name="Ada L")
    conversation_id = await builder.conversation(ada)
    written = await builder.post(ada, conversation_id, HOSTILE)
    assert written.answer is None
    assert event_types(written.events) == ["thread.new", "message.new"]
    new, message = map(decoded_event, written.events)
    assert isinstance(new, events.ThreadNew)
    assert isinstance(message, events.MessageNew)
    shown = await messages.get_message(builder.db, ada, written.posted.message_id)
    assert message.payload.message == shown
    assert (shown.content, shown.author_name, shown.path) == (HOSTILE, "Ada L", "V")
    (listed,) = (await threads.list_threads(builder.db, ada, conversation_id, None, 10)).items
    for field in new.payload.summary.__struct_fields__:
        assert getattr(new.payload.summary, field) == getattr(listed, field)
    tree = await threads.list_tree(builder.db, ada, shown.id, threads.TreeStart(), 10)
    assert tree.items == [shown]


async def test_a_reply_logs_itself_and_the_activity(builder: DatabaseBuilder) -> None:
    """A reply logs message.new and thread.activity, which equal what the API shows."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    root = await builder.post(ada, conversation_id)
    builder.advance_time()
    written = await builder.reply(bob, root.posted.message_id)
    assert event_types(written.events) == ["message.new", "thread.activity"]
    message, activity = map(decoded_event, written.events)
    assert isinstance(message, events.MessageNew)
    assert isinstance(activity, events.ThreadActivity)
    shown = await messages.get_message(builder.db, ada, written.posted.message_id)
    assert message.payload.message == shown
    assert (shown.parent_id, shown.depth, shown.seq) == (root.posted.message_id, 2, 2)
    (listed,) = (await threads.list_threads(builder.db, ada, conversation_id, None, 10)).items
    for field in ("root_id", "last_activity_at", "message_count", "participant_count"):
        assert getattr(activity.payload, field) == getattr(listed, field)
    assert (listed.message_count, listed.participant_count) == (2, 2)
    assert listed.last_activity_at == builder.now


async def test_numbers_have_no_gaps_under_concurrent_writers(builder: DatabaseBuilder) -> None:
    """Event numbers are in the order of commits without gaps; seq and sort keys are unique."""
    people = [await builder.person(f"p{n}") for n in range(4)]
    conversation_id = await builder.conversation(people[0], *people[1:])
    root = (await builder.post(people[0], conversation_id)).posted.message_id
    await asyncio.gather(*(builder.reply(people[n % 4], root) for n in range(40)))
    logged = await db_events.read_events(builder.db, conversation_id, 0, 1_000)
    assert [e.number for e in logged] == list(range(1, 3 + 2 + 80 + 1))
    tree = (await threads.list_tree(builder.db, people[0], root, threads.TreeStart(), 100)).items
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
async def test_the_mode_and_the_text_decide_whether_an_answer_starts(
    builder: DatabaseBuilder, mode: Any, content: str, asks: Any
) -> None:
    """The mode of the conversation decides which messages start an answer."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode=mode)
    assert ((await builder.post(ada, conversation_id, content)).answer is not None) == asks


async def test_an_answer_starts_in_the_transaction_of_its_message(builder: DatabaseBuilder) -> None:
    """Its row exists at once: streaming, a child of the message, and in the same log."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    root = await builder.post(ada, conversation_id)
    assert root.answer is not None
    assert event_types(root.events) == ["thread.new", "message.new", "message.new"]
    new, _, started = map(decoded_event, root.events)
    assert isinstance(new, events.ThreadNew)
    assert isinstance(started, events.MessageNew)
    shown = await messages.get_message(builder.db, ada, root.answer.message_id)
    assert started.payload.message == shown
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


async def test_the_model_of_the_post_precedes_that_of_the_conversation(
    builder: DatabaseBuilder,
) -> None:
    """The model of the conversation precedes the default model."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    change = conversations.UpdateConversation(model="of-conversation")
    default = (await builder.post(ada, conversation_id)).answer
    await conversations.update_conversation(builder.db, ada, conversation_id, change, builder.now)
    of_conversation, of_post = (
        (await builder.post(ada, conversation_id)).answer,
        (await builder.post(ada, conversation_id, model="of-post")).answer,
    )
    assert [a and a.model for a in (default, of_conversation, of_post)] == [
        MODEL,
        "of-conversation",
        "of-post",
    ]


async def test_only_administrators_may_write_as_system(builder: DatabaseBuilder) -> None:
    """A system message starts no answer; the role assistant is always refused."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob, mode="always")
    assert (await builder.post(ada, conversation_id, role="system")).answer is None
    for actor, role in ((bob, "system"), (ada, "assistant"), (bob, "assistant")):
        with pytest.raises(Forbidden):
            await builder.post(actor, conversation_id, role=role)


async def test_viewers_and_read_only_accounts_cannot_post(builder: DatabaseBuilder) -> None:
    """For non-participants and former participants the conversation does not exist."""
    ada, viewer, eve = [await builder.person(n) for n in ("ada", "viewer", "eve")]
    reader = await builder.person("reader", "read_only")
    conversation_id = await builder.conversation(ada)
    for user, role in ((viewer, "viewer"), (reader, "member"), (eve, "member")):
        await participants.add_participant(
            builder.db, ada, conversation_id, user, role, builder.now
        )
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await participants.remove_participant(builder.db, eve, conversation_id, eve, builder.now)
    for actor, refusal in ((viewer, Forbidden), (reader, Forbidden), (eve, NotFound)):
        with pytest.raises(refusal):
            await builder.post(actor, conversation_id)
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


async def test_a_refused_post_takes_no_event_number(builder: DatabaseBuilder) -> None:
    """The last event number is unchanged after a refused post."""
    ada, viewer = await builder.person("ada"), await builder.person("viewer")
    conversation_id = await builder.conversation(ada, viewer, role="viewer")
    before = await builder.log_bounds(ada, conversation_id)
    with pytest.raises(Forbidden):
        await builder.post(viewer, conversation_id)
    with pytest.raises(Forbidden):
        await builder.post(ada, conversation_id, role="assistant")
    assert await builder.log_bounds(ada, conversation_id) == before


async def test_a_repeated_idempotency_key_posts_once(builder: DatabaseBuilder) -> None:
    """It returns the ids of the first post and of its answer, also for concurrent requests."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    once = IdempotencyKey("k" * 128, b"h" * 32)
    results = await asyncio.gather(
        *(builder.post(ada, conversation_id, once=once) for _ in range(5))
    )
    assert len({w.posted for w in results}) == 1
    assert sum(w.replayed for w in results) == 4
    assert sum(bool(w.events) for w in results) == 1
    assert sum(w.answer is not None and not w.replayed for w in results) == 1
    [answer] = {w.answer for w in results}
    assert answer is not None
    root = results[0].posted.message_id
    with pytest.raises(Conflict):
        await builder.post(ada, conversation_id, once=IdempotencyKey("k" * 128, b"i" * 32))
    child = IdempotencyKey("child", b"c" * 32)
    first, again = [await builder.reply(ada, root, once=child) for _ in range(2)]
    assert again.posted == first.posted
    assert again.answer == first.answer
    assert again.answer != answer
    assert (await builder.log_bounds(ada, conversation_id)).position == 3 + 3
    builder.advance_time(86_401)
    assert not (await builder.post(ada, conversation_id, once=once)).replayed


async def test_idempotency_keys_are_separate_for_each_user(builder: DatabaseBuilder) -> None:
    """Two users may use the same key."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    once = IdempotencyKey("key", b"h" * 32)
    assert not (await builder.post(ada, conversation_id, once=once)).replayed
    assert not (await builder.post(bob, conversation_id, once=once)).replayed


async def test_a_new_display_name_does_not_change_old_messages(builder: DatabaseBuilder) -> None:
    """A message keeps the name that its author had at the time of the post."""
    ada = await builder.person("ada", display_name="First")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await builder.db.fetch(
        "SELECT * FROM rustygpt.update_me($1, NULL, $2, NULL)", ada, '{"display_name": "Now"}'
    )
    assert (await messages.get_message(builder.db, ada, root)).author_name == "First"
