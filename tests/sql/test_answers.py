"""Procedures of answers in progress."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import INSTANCE_ID, MODEL, DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event, event_types

from rustygpt_server.db import answers, conversations, messages, threads
from rustygpt_server.db.answers import AnswerResult, PromptMessage
from rustygpt_server.errors import Conflict, Forbidden, NotFound
from rustygpt_shared import events
from rustygpt_shared.models.messages import Usage


async def begin(scene: DatabaseBuilder) -> tuple[UUID, UUID, UUID]:
    """A person, a conversation, and an answer in progress."""
    ada = await scene.person("ada")
    room = await scene.conversation(ada, mode="always")
    answer = (await scene.post(ada, room, "question")).answer
    assert answer is not None
    return ada, room, answer.message_id


async def test_chunks_are_stored_once(builder: DatabaseBuilder) -> None:
    """Pieces are kept in order by index; a repeated one changes nothing."""
    ada, _, answer = await begin(builder)
    await answers.append_chunks(builder.db, answer, INSTANCE_ID, 0, ["a", "b"], builder.now)
    await answers.append_chunks(builder.db, answer, INSTANCE_ID, 1, ["x", "c"], builder.now)
    listed = await messages.list_chunks(builder.db, ada, answer, 0, 10)
    assert [(c.idx, c.content) for c in listed] == [(0, "a"), (1, "b"), (2, "c")]
    assert [c.idx for c in await messages.list_chunks(builder.db, ada, answer, 1, 1)] == [1]
    with pytest.raises(Conflict):
        await answers.append_chunks(builder.db, answer, "other", 3, ["d"], builder.now)


async def test_the_end_is_told(builder: DatabaseBuilder) -> None:
    """The end logs the final text, the end itself and the activity, and they equal REST."""
    ada, room, answer = await begin(builder)
    await answers.append_chunks(builder.db, answer, INSTANCE_ID, 0, ["an", "swer"], builder.now)
    usage = Usage(3, 2, 5, estimated=True)
    builder.advance_time()
    ending = AnswerResult("answer", "stop", "because", usage)
    logged = await answers.finish_answer(builder.db, answer, INSTANCE_ID, ending, builder.now)
    assert event_types(logged) == ["message.updated", "message.done", "thread.activity"]
    updated, done, activity = map(decoded_event, logged)
    shown = await messages.get_message(builder.db, ada, answer)
    assert isinstance(updated, events.MessageUpdated)
    assert updated.payload.message == shown
    assert (shown.content, shown.reasoning, shown.usage) == ("answer", "because", usage)
    assert (shown.finish_reason, shown.streaming) == ("stop", False)
    assert isinstance(done, events.MessageDone)
    assert done.payload == events.MessageDonePayload(
        answer, shown.root_id, room, "stop", chunks=2, usage=usage
    )
    assert isinstance(activity, events.ThreadActivity)
    (thread,) = (await threads.list_threads(builder.db, ada, room, None, 10)).items
    assert activity.payload.last_activity_at == thread.last_activity_at == builder.now
    listed = await conversations.show_conversation(builder.db, ada, room)
    assert listed.last_message_excerpt == "answer"


async def test_the_end_happens_once(builder: DatabaseBuilder) -> None:
    """Only the first of several ends counts, and only its runner's; later pieces are refused."""
    ada, room, answer = await begin(builder)
    stop = AnswerResult("text", "stop")
    assert await answers.finish_answer(builder.db, answer, "other", stop, builder.now) == []
    ends = await asyncio.gather(
        *(
            answers.finish_answer(builder.db, answer, INSTANCE_ID, stop, builder.now)
            for _ in range(5)
        )
    )
    assert sum(bool(end) for end in ends) == 1
    assert (await builder.log_bounds(ada, room)).position == 6
    with pytest.raises(Conflict):
        await answers.append_chunks(builder.db, answer, INSTANCE_ID, 0, ["late"], builder.now)
    assert (
        await answers.finish_answer(builder.db, builder.id(), INSTANCE_ID, stop, builder.now) == []
    )


async def test_an_error_is_explained_after_the_end(builder: DatabaseBuilder) -> None:
    """A failed answer logs an error after the message.done that it explains."""
    _, _, answer = await begin(builder)
    ending = AnswerResult(
        "", "error", error_code="RGP.UNAVAILABLE", error_message="No model answers."
    )
    logged = await answers.finish_answer(builder.db, answer, INSTANCE_ID, ending, builder.now)
    assert event_types(logged) == ["message.updated", "message.done", "error", "thread.activity"]
    error = decoded_event(logged[2])
    assert isinstance(error, events.ErrorEvent)
    assert error.payload == events.ErrorPayload("RGP.UNAVAILABLE", "No model answers.", answer)


async def test_orphans_end_with_what_they_had(builder: DatabaseBuilder) -> None:
    """An answer whose lease ran out ends as an error with its pieces; renewed ones live on."""
    ada, _, answer = await begin(builder)
    await answers.append_chunks(builder.db, answer, INSTANCE_ID, 0, ["half ", "an"], builder.now)
    until = builder.now + timedelta(seconds=60)
    assert await answers.renew_leases(builder.db, INSTANCE_ID, [answer], until) == 1
    assert await answers.renew_leases(builder.db, "other", [answer], until) == 0
    assert await answers.renew_leases(builder.db, INSTANCE_ID, [], until) == 0
    builder.advance_time(59)
    assert await answers.fail_orphans(builder.db, builder.now) == []
    builder.advance_time(1)
    told_all = await asyncio.gather(
        *(answers.fail_orphans(builder.db, builder.now) for _ in range(3))
    )
    (orphan,) = [o for orphans in told_all for o in orphans]
    assert orphan.message_id == answer
    assert event_types(orphan.events) == [
        "message.updated",
        "message.done",
        "error",
        "thread.activity",
    ]
    shown = await messages.get_message(builder.db, ada, answer)
    assert (shown.content, shown.finish_reason) == ("half an", "error")
    late = AnswerResult("whole", "stop")
    assert await answers.finish_answer(builder.db, answer, INSTANCE_ID, late, builder.now) == []


async def test_prompt_is_the_chain_of_ancestors(builder: DatabaseBuilder) -> None:
    """The prompt has the ancestors, oldest first, without the answer itself and other branches."""
    ada, room, first = await begin(builder)
    change = conversations.UpdateConversation(system_prompt="Be kind.")
    await conversations.update_conversation(builder.db, ada, room, change, builder.now)
    await answers.finish_answer(
        builder.db, first, INSTANCE_ID, AnswerResult("first", "stop"), builder.now
    )
    await builder.reply(ada, first, "another branch")
    second = (await builder.reply(ada, first, "and then?")).answer
    assert second is not None
    prompt = await answers.list_prompt(builder.db, second.message_id, 10_000)
    assert prompt == answers.PromptContext(
        MODEL,
        "Be kind.",
        [
            PromptMessage("user", "question", "ada"),
            PromptMessage("assistant", "first", None),
            PromptMessage("user", "and then?", "ada"),
        ],
    )
    with pytest.raises(NotFound):
        await answers.list_prompt(builder.db, builder.id(), 10)


async def test_prompt_keeps_the_newest(builder: DatabaseBuilder) -> None:
    """Within a limit the newest stay, whole; the message itself stays in any case."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada)
    parent = (await builder.post(ada, room, "0" * 10)).posted.message_id
    for number in "1234":
        parent = (await builder.reply(ada, parent, number * 10)).posted.message_id
    answer = (await builder.reply(ada, parent, "5" * 10)).posted.message_id
    for limit, kept in ((30, "234"), (39, "234"), (40, "1234"), (5, "4"), (1_000, "01234")):
        prompt = await answers.list_prompt(builder.db, answer, limit)
        assert "".join(line.content[0] for line in prompt.messages) == kept


async def test_cancel(builder: DatabaseBuilder) -> None:
    """Who asked may stop an answer, and learns the runner; afterwards, how it ended."""
    ada, _, answer = await begin(builder)
    asked = await answers.request_cancel(builder.db, ada, answer, builder.now)
    assert asked == answers.CancelOutcome("running", INSTANCE_ID)
    assert await answers.list_cancelled(builder.db, INSTANCE_ID) == [answer]
    await answers.finish_answer(
        builder.db, answer, INSTANCE_ID, AnswerResult("", "cancelled"), builder.now
    )
    asked = await answers.request_cancel(builder.db, ada, answer, builder.now)
    assert asked == answers.CancelOutcome("cancelled", None)
    assert await answers.list_cancelled(builder.db, INSTANCE_ID) == []


@pytest.mark.parametrize(
    ("reason", "state"), [("stop", "completed"), ("timeout", "timed_out"), ("error", "completed")]
)
async def test_cancel_after_the_end(builder: DatabaseBuilder, reason: Any, state: Any) -> None:
    """A wish to stop that comes late tells how the answer ended."""
    ada, _, answer = await begin(builder)
    ending = AnswerResult("x", reason)
    await answers.finish_answer(builder.db, answer, INSTANCE_ID, ending, builder.now)
    asked = await answers.request_cancel(builder.db, ada, answer, builder.now)
    assert asked == answers.CancelOutcome(state, None)


async def test_who_may_cancel(builder: DatabaseBuilder) -> None:
    """Others may not, the conversation's administrators may, strangers know of nothing."""
    ada, bob, eve = [await builder.person(n) for n in ("ada", "bob", "eve")]
    room = await builder.conversation(ada, bob, mode="always")
    answer = (await builder.post(bob, room)).answer
    mine = (await builder.post(ada, room)).answer
    assert answer is not None
    assert mine is not None
    with pytest.raises(Forbidden):
        await answers.request_cancel(builder.db, bob, mine.message_id, builder.now)
    with pytest.raises(NotFound):
        await answers.request_cancel(builder.db, eve, mine.message_id, builder.now)
    asked = await answers.request_cancel(builder.db, ada, answer.message_id, builder.now)
    assert asked.state == "running"
    question = (await messages.get_message(builder.db, ada, answer.message_id)).parent_id
    assert question is not None
    asked = await answers.request_cancel(builder.db, ada, question, builder.now)
    assert asked.state == "not_tracked"
