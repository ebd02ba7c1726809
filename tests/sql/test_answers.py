"""The procedures in sql/procedures/answers."""

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
    """A user, a conversation, and an answer in progress."""
    ada = await scene.person("ada")
    conversation_id = await scene.room(ada, mode="always")
    answer = (await scene.post(ada, conversation_id, "question")).answer
    assert answer is not None
    return ada, conversation_id, answer.message_id


async def test_a_repeated_chunk_is_ignored(scene: Scene) -> None:
    """Chunks are stored in the order of their index; a repeated index changes nothing."""
    ada, _, answer = await begin(scene)
    await answers.append_chunks(scene.db, answer, RUNNER, 0, ["a", "b"], scene.now)
    await answers.append_chunks(scene.db, answer, RUNNER, 1, ["x", "c"], scene.now)
    listed = await messages.list_chunks(scene.db, ada, answer, 0, 10)
    assert [(c.idx, c.content) for c in listed] == [(0, "a"), (1, "b"), (2, "c")]
    assert [c.idx for c in await messages.list_chunks(scene.db, ada, answer, 1, 1)] == [1]
    with pytest.raises(Conflict):
        await answers.append_chunks(scene.db, answer, "other", 3, ["d"], scene.now)


async def test_finish_answer_logs_the_final_state(scene: Scene) -> None:
    """The logged events contain the final text, the end and the activity, as the API shows them."""
    ada, conversation_id, answer = await begin(scene)
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
        answer, shown.root_id, conversation_id, "stop", chunks=2, usage=usage
    )
    assert isinstance(activity, events.ThreadActivity)
    (thread,) = (await threads.list_threads(scene.db, ada, conversation_id, None, 10)).items
    assert activity.payload.last_activity_at == thread.last_activity_at == scene.now
    listed = await conversations.show_conversation(scene.db, ada, conversation_id)
    assert listed.last_message_excerpt == "answer"


async def test_an_answer_ends_once(scene: Scene) -> None:
    """Of several ends the first by the lease holder counts; later chunks are refused."""
    ada, conversation_id, answer = await begin(scene)
    stop = Ending("text", "stop")
    assert await answers.finish_answer(scene.db, answer, "other", stop, scene.now) == []
    ends = await asyncio.gather(
        *(answers.finish_answer(scene.db, answer, RUNNER, stop, scene.now) for _ in range(5))
    )
    assert sum(bool(end) for end in ends) == 1
    assert (await scene.opening(ada, conversation_id)).position == 6
    with pytest.raises(Conflict):
        await answers.append_chunks(scene.db, answer, RUNNER, 0, ["late"], scene.now)
    assert await answers.finish_answer(scene.db, scene.id(), RUNNER, stop, scene.now) == []


async def test_a_failed_answer_logs_an_error_after_message_done(scene: Scene) -> None:
    """The error event follows the message.done event of the failed answer."""
    _, _, answer = await begin(scene)
    ending = Ending("", "error", error_code="RGP.UNAVAILABLE", error_message="No model answers.")
    logged = await answers.finish_answer(scene.db, answer, RUNNER, ending, scene.now)
    assert kinds(logged) == ["message.updated", "message.done", "error", "thread.activity"]
    error = told(logged[2])
    assert isinstance(error, events.ErrorEvent)
    assert error.payload == events.Trouble("RGP.UNAVAILABLE", "No model answers.", answer)


async def test_an_answer_with_an_expired_lease_ends_with_its_chunks(scene: Scene) -> None:
    """It ends as an error with the text of its chunks; a renewed lease does not expire."""
    ada, _, answer = await begin(scene)
    await answers.append_chunks(scene.db, answer, RUNNER, 0, ["half ", "an"], scene.now)
    until = scene.now + timedelta(seconds=60)
    assert await answers.renew_leases(scene.db, RUNNER, [answer], until) == 1
    assert await answers.renew_leases(scene.db, "other", [answer], until) == 0
    assert await answers.renew_leases(scene.db, RUNNER, [], until) == 0
    scene.tick(59)
    assert await answers.fail_orphans(scene.db, scene.now) == []
    scene.tick(1)
    results = await asyncio.gather(*(answers.fail_orphans(scene.db, scene.now) for _ in range(3)))
    (orphan,) = [o for orphans in results for o in orphans]
    assert orphan.message_id == answer
    assert kinds(orphan.events) == ["message.updated", "message.done", "error", "thread.activity"]
    shown = await messages.get_message(scene.db, ada, answer)
    assert (shown.content, shown.finish_reason) == ("half an", "error")
    late = Ending("whole", "stop")
    assert await answers.finish_answer(scene.db, answer, RUNNER, late, scene.now) == []


async def test_prompt_consists_of_the_ancestors(scene: Scene) -> None:
    """The prompt has the ancestors, oldest first, without the answer itself and other branches."""
    ada, conversation_id, first = await begin(scene)
    change = conversations.UpdateConversation(system_prompt="Be kind.")
    await conversations.update_conversation(scene.db, ada, conversation_id, change, scene.now)
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


async def test_prompt_keeps_the_newest_messages_within_the_limit(scene: Scene) -> None:
    """The newest complete messages are kept within the limit, and the parent in any case."""
    ada = await scene.person("ada")
    conversation_id = await scene.room(ada)
    parent = (await scene.post(ada, conversation_id, "0" * 10)).posted.message_id
    for number in "1234":
        parent = (await scene.reply(ada, parent, number * 10)).posted.message_id
    answer = (await scene.reply(ada, parent, "5" * 10)).posted.message_id
    for limit, kept in ((30, "234"), (39, "234"), (40, "1234"), (5, "4"), (1_000, "01234")):
        prompt = await answers.list_prompt(scene.db, answer, limit)
        assert "".join(line.content[0] for line in prompt.lines) == kept


async def test_request_cancel_returns_the_state_and_the_process(scene: Scene) -> None:
    """The requester may cancel an answer and gets its process; afterwards, how the answer ended."""
    ada, _, answer = await begin(scene)
    cancel = await answers.request_cancel(scene.db, ada, answer, scene.now)
    assert cancel == answers.CancelAsked("running", RUNNER)
    assert await answers.list_cancelled(scene.db, RUNNER) == [answer]
    await answers.finish_answer(scene.db, answer, RUNNER, Ending("", "cancelled"), scene.now)
    cancel = await answers.request_cancel(scene.db, ada, answer, scene.now)
    assert cancel == answers.CancelAsked("cancelled", None)
    assert await answers.list_cancelled(scene.db, RUNNER) == []


@pytest.mark.parametrize(
    ("reason", "state"), [("stop", "completed"), ("timeout", "timed_out"), ("error", "completed")]
)
async def test_request_cancel_after_the_end_returns_how_it_ended(
    scene: Scene, reason: Any, state: Any
) -> None:
    """A late request returns the state that the answer ended in."""
    ada, _, answer = await begin(scene)
    ending = Ending("x", reason)
    await answers.finish_answer(scene.db, answer, RUNNER, ending, scene.now)
    cancel = await answers.request_cancel(scene.db, ada, answer, scene.now)
    assert cancel == answers.CancelAsked(state, None)


async def test_only_the_requester_and_administrators_may_cancel(scene: Scene) -> None:
    """Other participants are refused; for non-participants the answer does not exist."""
    ada, bob, eve = [await scene.person(n) for n in ("ada", "bob", "eve")]
    conversation_id = await scene.room(ada, bob, mode="always")
    answer = (await scene.post(bob, conversation_id)).answer
    mine = (await scene.post(ada, conversation_id)).answer
    assert answer is not None
    assert mine is not None
    with pytest.raises(Forbidden):
        await answers.request_cancel(scene.db, bob, mine.message_id, scene.now)
    with pytest.raises(NotFound):
        await answers.request_cancel(scene.db, eve, mine.message_id, scene.now)
    cancel = await answers.request_cancel(scene.db, ada, answer.message_id, scene.now)
    assert cancel.state == "running"
    question = (await messages.get_message(scene.db, ada, answer.message_id)).parent_id
    assert question is not None
    cancel = await answers.request_cancel(scene.db, ada, question, scene.now)
    assert cancel.state == "not_tracked"
