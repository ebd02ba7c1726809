"""Procedures that write and show messages, and the events they tell."""

import asyncio
from typing import Any

import pytest
from tests.support.events import kinds, told
from tests.support.scene import MODEL, Scene

from rustygpt_server.db import conversations, feeds, members, messages, threads
from rustygpt_server.db.refusals import Conflict, Forbidden, NotFound
from rustygpt_server.db.rows import Once
from rustygpt_shared import events

HOSTILE = "a\u2028b\n\"quoted\" \\ </script> {x} %s \x1b[31m \U0001f600 'q' $1"


async def test_a_root_tells_its_thread_and_itself(scene: Scene) -> None:
    """A root logs thread.new and message.new, which equal what REST shows."""
    ada = await scene.person("ada", display_name="Ada L")
    room = await scene.room(ada)
    written = await scene.post(ada, room, HOSTILE)
    assert written.answer is None
    assert kinds(written.events) == ["thread.new", "message.new"]
    new, message = map(told, written.events)
    assert isinstance(new, events.ThreadNew)
    assert isinstance(message, events.MessageNew)
    shown = await messages.get_message(scene.db, ada, written.posted.message_id)
    assert message.payload.message == shown
    assert (shown.content, shown.author_name, shown.path) == (HOSTILE, "Ada L", "V")
    (listed,) = (await threads.list_threads(scene.db, ada, room, None, 10)).items
    for field in new.payload.summary.__struct_fields__:
        assert getattr(new.payload.summary, field) == getattr(listed, field)
    tree = await threads.list_tree(scene.db, ada, shown.id, None, 10)
    assert tree.items == [shown]


async def test_a_reply_tells_itself_and_the_activity(scene: Scene) -> None:
    """A reply logs message.new and thread.activity, which equal what REST shows."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada, bob)
    root = await scene.post(ada, room)
    scene.tick()
    written = await scene.reply(bob, root.posted.message_id)
    assert kinds(written.events) == ["message.new", "thread.activity"]
    message, activity = map(told, written.events)
    assert isinstance(message, events.MessageNew)
    assert isinstance(activity, events.ThreadActivity)
    shown = await messages.get_message(scene.db, ada, written.posted.message_id)
    assert message.payload.message == shown
    assert (shown.parent_id, shown.depth, shown.seq) == (root.posted.message_id, 2, 2)
    (listed,) = (await threads.list_threads(scene.db, ada, room, None, 10)).items
    for field in ("root_id", "last_activity_at", "message_count", "participant_count"):
        assert getattr(activity.payload, field) == getattr(listed, field)
    assert (listed.message_count, listed.participant_count) == (2, 2)
    assert listed.last_activity_at == scene.now


async def test_numbers_have_no_holes_under_many_writers(scene: Scene) -> None:
    """Many writers at once: numbers are gapless, in commit order, and seq and keys are unique."""
    people = [await scene.person(f"p{n}") for n in range(4)]
    room = await scene.room(people[0], *people[1:])
    root = (await scene.post(people[0], room)).posted.message_id
    await asyncio.gather(*(scene.reply(people[n % 4], root) for n in range(40)))
    logged = await feeds.read_events(scene.db, room, 0, 1_000)
    assert [e.number for e in logged] == list(range(1, 3 + 2 + 80 + 1))
    tree = (await threads.list_tree(scene.db, people[0], root, None, 100)).items
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
async def test_who_asks_the_assistant(scene: Scene, mode: Any, content: str, asks: Any) -> None:
    """The conversation's mode decides which messages begin an answer."""
    ada = await scene.person("ada")
    room = await scene.room(ada, mode=mode)
    assert ((await scene.post(ada, room, content)).answer is not None) == asks


async def test_an_answer_begins_with_its_message(scene: Scene) -> None:
    """The answer's row exists at once: streaming, a child of the message, told in the same log."""
    ada = await scene.person("ada")
    room = await scene.room(ada, mode="always")
    root = await scene.post(ada, room)
    assert root.answer is not None
    assert kinds(root.events) == ["thread.new", "message.new", "message.new"]
    new, _, begun = map(told, root.events)
    assert isinstance(new, events.ThreadNew)
    assert isinstance(begun, events.MessageNew)
    shown = await messages.get_message(scene.db, ada, root.answer.message_id)
    assert begun.payload.message == shown
    assert (shown.role, shown.streaming, shown.model, shown.content) == (
        "assistant", True, MODEL, "",
    )  # fmt: skip
    assert (shown.parent_id, shown.depth, shown.author_user_id) == (root.posted.message_id, 2, None)
    assert new.payload.summary.message_count == 2
    reply = await scene.reply(ada, shown.id)
    assert kinds(reply.events) == ["message.new", "message.new", "thread.activity"]
    activity = told(reply.events[-1])
    assert isinstance(activity, events.ThreadActivity)
    assert activity.payload.message_count == 4


async def test_whose_model_answers(scene: Scene) -> None:
    """The post's model goes before the conversation's, and that before the default."""
    ada = await scene.person("ada")
    room = await scene.room(ada, mode="always")
    change = conversations.UpdateConversation(model="rooms")
    default = (await scene.post(ada, room)).answer
    await conversations.update_conversation(scene.db, ada, room, change, scene.now)
    rooms, own = (
        (await scene.post(ada, room)).answer,
        (await scene.post(ada, room, model="own")).answer,
    )
    assert [a and a.model for a in (default, rooms, own)] == [MODEL, "rooms", "own"]


async def test_roles_other_than_user(scene: Scene) -> None:
    """Administrators may write as system, which asks no assistant; nobody writes as assistant."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada, bob, mode="always")
    assert (await scene.post(ada, room, role="system")).answer is None
    for actor, role in ((bob, "system"), (ada, "assistant"), (bob, "assistant")):
        with pytest.raises(Forbidden):
            await scene.post(actor, room, role=role)


async def test_who_may_not_write(scene: Scene) -> None:
    """Viewers and read-only people may not write; strangers and those who left know of nothing."""
    ada, viewer, eve = [await scene.person(n) for n in ("ada", "viewer", "eve")]
    reader = await scene.person("reader", "read_only")
    room = await scene.room(ada)
    for user, role in ((viewer, "viewer"), (reader, "member"), (eve, "member")):
        await members.add_participant(scene.db, ada, room, user, role, scene.now)
    root = (await scene.post(ada, room)).posted.message_id
    await members.remove_participant(scene.db, eve, room, eve, scene.now)
    for actor, refusal in ((viewer, Forbidden), (reader, Forbidden), (eve, NotFound)):
        with pytest.raises(refusal):
            await scene.post(actor, room)
        with pytest.raises(refusal):
            await scene.reply(actor, root)
    for call in (
        scene.reply(ada, scene.id()),
        scene.post(ada, scene.id()),
        messages.get_message(scene.db, eve, root),
        messages.list_chunks(scene.db, eve, root, 0, 10),
    ):
        with pytest.raises(NotFound):
            await call
    assert (await messages.get_message(scene.db, viewer, root)).id == root


async def test_refused_posts_leave_no_hole(scene: Scene) -> None:
    """A refused post takes no number."""
    ada, viewer = await scene.person("ada"), await scene.person("viewer")
    room = await scene.room(ada, viewer, role="viewer")
    before = await scene.opening(ada, room)
    with pytest.raises(Forbidden):
        await scene.post(viewer, room)
    with pytest.raises(Forbidden):
        await scene.post(ada, room, role="assistant")
    assert await scene.opening(ada, room) == before


async def test_same_key_writes_once(scene: Scene) -> None:
    """A repeated key answers the first answer again and writes nothing, also at the same moment."""
    ada = await scene.person("ada")
    room = await scene.room(ada, mode="always")
    once = Once("k" * 128, b"h" * 32)
    told_all = await asyncio.gather(*(scene.post(ada, room, once=once) for _ in range(5)))
    assert len({w.posted for w in told_all}) == 1
    assert sum(w.replayed for w in told_all) == 4
    assert sum(bool(w.events) for w in told_all) == 1
    assert sum(w.answer is not None and not w.replayed for w in told_all) == 1
    [answer] = {w.answer for w in told_all}
    assert answer is not None
    root = told_all[0].posted.message_id
    with pytest.raises(Conflict):
        await scene.post(ada, room, once=Once("k" * 128, b"i" * 32))
    child = Once("child", b"c" * 32)
    first, again = [await scene.reply(ada, root, once=child) for _ in range(2)]
    assert again.posted == first.posted
    assert again.answer == first.answer
    assert again.answer != answer
    assert (await scene.opening(ada, room)).position == 3 + 3
    scene.tick(86_401)
    assert not (await scene.post(ada, room, once=once)).replayed


async def test_keys_belong_to_their_user(scene: Scene) -> None:
    """Two people may use the same key."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada, bob)
    once = Once("key", b"h" * 32)
    assert not (await scene.post(ada, room, once=once)).replayed
    assert not (await scene.post(bob, room, once=once)).replayed


async def test_a_name_stays_as_it_was_told(scene: Scene) -> None:
    """A later name does not change what a stream told of an earlier message."""
    ada = await scene.person("ada", display_name="First")
    room = await scene.room(ada)
    root = (await scene.post(ada, room)).posted.message_id
    await scene.db.fetch("SELECT * FROM rustygpt.update_me($1, $2)", ada, '{"display_name": "Now"}')
    assert (await messages.get_message(scene.db, ada, root)).author_name == "First"
