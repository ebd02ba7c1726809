"""Procedures of answers in progress."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.events import kinds, told
from tests.support.scene import MODEL, RUNNER, Scene

from rustygpt_server.db import answers, conversations, messages, threads
from rustygpt_server.db.answers import Ending, Line
from rustygpt_server.db.refusals import Conflict, Forbidden, NotFound
from rustygpt_shared import events
from rustygpt_shared.models.messages import Usage


async def begin(scene: Scene) -> tuple[UUID, UUID, UUID]:
    """A person, a conversation, and an answer in progress."""
    ada = await scene.person("ada")
    room = await scene.room(ada, mode="always")
    answer = (await scene.post(ada, room, "question")).answer
    assert answer is not None
    return ada, room, answer.message_id


async def test_chunks_are_stored_once(scene: Scene) -> None:
    """Pieces are kept in order by index; a repeated one changes nothing."""
    ada, _, answer = await begin(scene)
    await answers.append_chunks(scene.db, answer, RUNNER, 0, ["a", "b"], scene.now)
    await answers.append_chunks(scene.db, answer, RUNNER, 1, ["x", "c"], scene.now)
    listed = await messages.list_chunks(scene.db, ada, answer, 0, 10)
    assert [(c.idx, c.content) for c in listed] == [(0, "a"), (1, "b"), (2, "c")]
    assert [c.idx for c in await messages.list_chunks(scene.db, ada, answer, 1, 1)] == [1]
    with pytest.raises(Conflict):
        await answers.append_chunks(scene.db, answer, "other", 3, ["d"], scene.now)


async def test_the_end_is_told(scene: Scene) -> None:
    """The end logs the final text, the end itself and the activity, and they equal REST."""
    ada, room, answer = await begin(scene)
    await answers.append_chunks(scene.db, answer, RUNNER, 0, ["an", "swer"], scene.now)
    usage = Usage(3, 2, 5, estimated=True)
    scene.tick()
    ending = Ending("answer", "stop", "because", usage)
    logged = await answers.finish_answer(scene.db, answer, RUNNER, ending, scene.now)
    assert kinds(logged) == ["message.updated", "message.done", "thread.activity"]
    updated, done, activity = map(told, logged)
    shown = await messages.get_message(scene.db, ada, answer)
    assert isinstance(updated, events.MessageUpdated)
    assert updated.payload.message == shown
    assert (shown.content, shown.reasoning, shown.usage) == ("answer", "because", usage)
    assert (shown.finish_reason, shown.streaming) == ("stop", False)
    assert isinstance(done, events.MessageDone)
    assert done.payload == events.Finished(
        answer, shown.root_id, room, "stop", chunks=2, usage=usage
    )
    assert isinstance(activity, events.ThreadActivity)
    (thread,) = (await threads.list_threads(scene.db, ada, room, None, 10)).items
    assert activity.payload.last_activity_at == thread.last_activity_at == scene.now
    listed = await conversations.show_conversation(scene.db, ada, room)
    assert listed.last_message_excerpt == "answer"


async def test_the_end_happens_once(scene: Scene) -> None:
    """Only the first of several ends counts, and only its runner's; later pieces are refused."""
    ada, room, answer = await begin(scene)
    stop = Ending("text", "stop")
    assert await answers.finish_answer(scene.db, answer, "other", stop, scene.now) == []
    ends = await asyncio.gather(
        *(answers.finish_answer(scene.db, answer, RUNNER, stop, scene.now) for _ in range(5))
    )
    assert sum(bool(end) for end in ends) == 1
    assert (await scene.opening(ada, room)).position == 6
    with pytest.raises(Conflict):
        await answers.append_chunks(scene.db, answer, RUNNER, 0, ["late"], scene.now)
    assert await answers.finish_answer(scene.db, scene.id(), RUNNER, stop, scene.now) == []


async def test_an_error_is_explained_after_the_end(scene: Scene) -> None:
    """A failed answer logs an error after the message.done that it explains."""
    _, _, answer = await begin(scene)
    ending = Ending("", "error", error_code="RGP.UNAVAILABLE", error_message="No model answers.")
    logged = await answers.finish_answer(scene.db, answer, RUNNER, ending, scene.now)
    assert kinds(logged) == ["message.updated", "message.done", "error", "thread.activity"]
    error = told(logged[2])
    assert isinstance(error, events.ErrorEvent)
    assert error.payload == events.Trouble("RGP.UNAVAILABLE", "No model answers.", answer)


async def test_orphans_end_with_what_they_had(scene: Scene) -> None:
    """An answer whose lease ran out ends as an error with its pieces; renewed ones live on."""
    ada, _, answer = await begin(scene)
    await answers.append_chunks(scene.db, answer, RUNNER, 0, ["half ", "an"], scene.now)
    until = scene.now + timedelta(seconds=60)
    assert await answers.renew_leases(scene.db, RUNNER, [answer], until) == 1
    assert await answers.renew_leases(scene.db, "other", [answer], until) == 0
    assert await answers.renew_leases(scene.db, RUNNER, [], until) == 0
    scene.tick(59)
    assert await answers.fail_orphans(scene.db, scene.now) == []
    scene.tick(1)
    told_all = await asyncio.gather(*(answers.fail_orphans(scene.db, scene.now) for _ in range(3)))
    (orphan,) = [o for orphans in told_all for o in orphans]
    assert orphan.message_id == answer
    assert kinds(orphan.events) == ["message.updated", "message.done", "error", "thread.activity"]
    shown = await messages.get_message(scene.db, ada, answer)
    assert (shown.content, shown.finish_reason) == ("half an", "error")
    late = Ending("whole", "stop")
    assert await answers.finish_answer(scene.db, answer, RUNNER, late, scene.now) == []


async def test_prompt_is_the_chain_of_ancestors(scene: Scene) -> None:
    """The prompt has the ancestors, oldest first, without the answer itself and other branches."""
    ada, room, first = await begin(scene)
    change = conversations.UpdateConversation(system_prompt="Be kind.")
    await conversations.update_conversation(scene.db, ada, room, change, scene.now)
    await answers.finish_answer(scene.db, first, RUNNER, Ending("first", "stop"), scene.now)
    await scene.reply(ada, first, "another branch")
    second = (await scene.reply(ada, first, "and then?")).answer
    assert second is not None
    prompt = await answers.list_prompt(scene.db, second.message_id, 10_000)
    assert prompt == answers.Prompt(
        MODEL,
        "Be kind.",
        [
            Line("user", "question", "ada"),
            Line("assistant", "first", None),
            Line("user", "and then?", "ada"),
        ],
    )
    with pytest.raises(NotFound):
        await answers.list_prompt(scene.db, scene.id(), 10)


async def test_prompt_keeps_the_newest(scene: Scene) -> None:
    """Within a limit the newest stay, whole; the message itself stays in any case."""
    ada = await scene.person("ada")
    room = await scene.room(ada)
    parent = (await scene.post(ada, room, "0" * 10)).posted.message_id
    for number in "1234":
        parent = (await scene.reply(ada, parent, number * 10)).posted.message_id
    answer = (await scene.reply(ada, parent, "5" * 10)).posted.message_id
    for limit, kept in ((30, "234"), (39, "234"), (40, "1234"), (5, "4"), (1_000, "01234")):
        prompt = await answers.list_prompt(scene.db, answer, limit)
        assert "".join(line.content[0] for line in prompt.lines) == kept


async def test_cancel(scene: Scene) -> None:
    """Who asked may stop an answer, and learns the runner; afterwards, how it ended."""
    ada, _, answer = await begin(scene)
    asked = await answers.request_cancel(scene.db, ada, answer, scene.now)
    assert asked == answers.CancelAsked("running", RUNNER)
    assert await answers.list_cancelled(scene.db, RUNNER) == [answer]
    await answers.finish_answer(scene.db, answer, RUNNER, Ending("", "cancelled"), scene.now)
    asked = await answers.request_cancel(scene.db, ada, answer, scene.now)
    assert asked == answers.CancelAsked("cancelled", None)
    assert await answers.list_cancelled(scene.db, RUNNER) == []


@pytest.mark.parametrize(
    ("reason", "state"), [("stop", "completed"), ("timeout", "timed_out"), ("error", "completed")]
)
async def test_cancel_after_the_end(scene: Scene, reason: Any, state: Any) -> None:
    """A wish to stop that comes late tells how the answer ended."""
    ada, _, answer = await begin(scene)
    ending = Ending("x", reason)
    await answers.finish_answer(scene.db, answer, RUNNER, ending, scene.now)
    asked = await answers.request_cancel(scene.db, ada, answer, scene.now)
    assert asked == answers.CancelAsked(state, None)


async def test_who_may_cancel(scene: Scene) -> None:
    """Others may not, the conversation's administrators may, strangers know of nothing."""
    ada, bob, eve = [await scene.person(n) for n in ("ada", "bob", "eve")]
    room = await scene.room(ada, bob, mode="always")
    answer = (await scene.post(bob, room)).answer
    mine = (await scene.post(ada, room)).answer
    assert answer is not None
    assert mine is not None
    with pytest.raises(Forbidden):
        await answers.request_cancel(scene.db, bob, mine.message_id, scene.now)
    with pytest.raises(NotFound):
        await answers.request_cancel(scene.db, eve, mine.message_id, scene.now)
    asked = await answers.request_cancel(scene.db, ada, answer.message_id, scene.now)
    assert asked.state == "running"
    question = (await messages.get_message(scene.db, ada, answer.message_id)).parent_id
    assert question is not None
    asked = await answers.request_cancel(scene.db, ada, question, scene.now)
    assert asked.state == "not_tracked"
