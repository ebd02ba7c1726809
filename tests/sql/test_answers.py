"""The procedures in sql/procedures/answers."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import INSTANCE_ID, MODEL, DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event, event_types

from rustygpt_server.assistant.prompt import estimate_tokens
from rustygpt_server.db import answers, conversations, messages, threads
from rustygpt_server.db.answers import AnswerResult, PromptMessage
from rustygpt_server.errors import Conflict, Forbidden, NotFound
from rustygpt_shared import events
from rustygpt_shared.models.messages import MessageError, Usage


async def begin(builder: DatabaseBuilder) -> tuple[UUID, UUID, UUID]:
    """A user, a conversation, and an answer in progress."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    answer = (await builder.post(ada, conversation_id, "question")).answer
    assert answer is not None
    return ada, conversation_id, answer.message_id


async def test_a_repeated_chunk_is_ignored(builder: DatabaseBuilder) -> None:
    """Chunks are stored in the order of their index; a repeated index changes nothing."""
    ada, _, answer = await begin(builder)
    await answers.append_chunks(builder.db, answer, INSTANCE_ID, 0, ["a", "b"], builder.now)
    await answers.append_chunks(builder.db, answer, INSTANCE_ID, 1, ["x", "c"], builder.now)
    listed = await messages.list_chunks(builder.db, ada, answer, 0, 10)
    assert [(c.idx, c.content) for c in listed] == [(0, "a"), (1, "b"), (2, "c")]
    assert [c.idx for c in await messages.list_chunks(builder.db, ada, answer, 1, 1)] == [1]
    with pytest.raises(Conflict):
        await answers.append_chunks(builder.db, answer, "other", 3, ["d"], builder.now)


async def test_finish_answer_logs_the_final_state(builder: DatabaseBuilder) -> None:
    """The logged events contain the final text, the end and the activity, as the API shows them."""
    ada, conversation_id, answer = await begin(builder)
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
        answer, shown.root_id, conversation_id, "stop", chunks=2, usage=usage
    )
    assert isinstance(activity, events.ThreadActivity)
    (thread,) = (await threads.list_threads(builder.db, ada, conversation_id, None, 10)).items
    assert activity.payload.last_activity_at == thread.last_activity_at == builder.now
    listed = await conversations.show_conversation(builder.db, ada, conversation_id)
    assert listed.last_message_excerpt == "answer"


async def test_an_answer_ends_once(builder: DatabaseBuilder) -> None:
    """Of several ends the first by the lease holder counts; later chunks are refused."""
    ada, conversation_id, answer = await begin(builder)
    stop = AnswerResult("text", "stop")
    assert await answers.finish_answer(builder.db, answer, "other", stop, builder.now) == []
    ends = await asyncio.gather(
        *(
            answers.finish_answer(builder.db, answer, INSTANCE_ID, stop, builder.now)
            for _ in range(5)
        )
    )
    assert sum(bool(end) for end in ends) == 1
    assert (await builder.log_bounds(ada, conversation_id)).position == 6
    with pytest.raises(Conflict):
        await answers.append_chunks(builder.db, answer, INSTANCE_ID, 0, ["late"], builder.now)
    assert (
        await answers.finish_answer(builder.db, builder.id(), INSTANCE_ID, stop, builder.now) == []
    )


async def test_a_failed_answer_logs_an_error_after_message_done(builder: DatabaseBuilder) -> None:
    """The error event follows the message.done event of the failed answer."""
    ada, conversation_id, answer = await begin(builder)
    ending = AnswerResult(
        "", "error", error_code="RGP.UNAVAILABLE", error_message="No model answers."
    )
    logged = await answers.finish_answer(builder.db, answer, INSTANCE_ID, ending, builder.now)
    assert event_types(logged) == ["message.updated", "message.done", "error", "thread.activity"]
    error = decoded_event(logged[2])
    assert isinstance(error, events.ErrorEvent)
    shown = await messages.get_message(builder.db, ada, answer)
    assert error.payload == events.ErrorPayload(
        "RGP.UNAVAILABLE", "No model answers.", conversation_id, shown.root_id, answer
    )


async def test_the_error_is_kept_with_the_message(builder: DatabaseBuilder) -> None:
    """Users who come later see why an answer failed: in the event, in the tree, in the message."""
    ada, _, answer = await begin(builder)
    ending = AnswerResult("", "timeout", error_code="RGP.TIMEOUT", error_message="Too slow.")
    updated = decoded_event(
        (await answers.finish_answer(builder.db, answer, INSTANCE_ID, ending, builder.now))[0]
    )
    assert isinstance(updated, events.MessageUpdated)
    shown = await messages.get_message(builder.db, ada, answer)
    tree = await threads.list_tree(builder.db, ada, shown.root_id, threads.TreeStart(), 10)
    expected = MessageError("RGP.TIMEOUT", "Too slow.")
    assert updated.payload.message.error == tree.items[1].error == shown.error == expected
    assert tree.items[0].error is None


async def test_an_answer_with_an_expired_lease_ends_with_its_chunks(
    builder: DatabaseBuilder,
) -> None:
    """It ends as an error with the text of its chunks; a renewed lease does not expire."""
    ada, _, answer = await begin(builder)
    await answers.append_chunks(builder.db, answer, INSTANCE_ID, 0, ["half ", "an"], builder.now)
    until = builder.now + timedelta(seconds=60)
    assert await answers.renew_leases(builder.db, INSTANCE_ID, [answer], until) == 1
    assert await answers.renew_leases(builder.db, "other", [answer], until) == 0
    assert await answers.renew_leases(builder.db, INSTANCE_ID, [], until) == 0
    builder.advance_time(59)
    assert await answers.fail_orphans(builder.db, builder.now) == []
    builder.advance_time(1)
    results = await asyncio.gather(
        *(answers.fail_orphans(builder.db, builder.now) for _ in range(3))
    )
    (orphan,) = [o for orphans in results for o in orphans]
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


async def test_prompt_consists_of_the_ancestors(builder: DatabaseBuilder) -> None:
    """The prompt has the ancestors, oldest first, without the answer itself and other branches."""
    ada, conversation_id, first = await begin(builder)
    change = conversations.UpdateConversation(system_prompt="Be kind.")
    await conversations.update_conversation(builder.db, ada, conversation_id, change, builder.now)
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
            PromptMessage("user", "question", ada, "ada", "ada"),
            PromptMessage("assistant", "first"),
            PromptMessage("user", "and then?", ada, "ada", "ada"),
        ],
    )
    with pytest.raises(NotFound):
        await answers.list_prompt(builder.db, builder.id(), 10)


async def test_prompt_keeps_the_newest_messages_within_the_limit(builder: DatabaseBuilder) -> None:
    """The newest complete messages are kept within the limit, and the parent in any case.

    Each message has 3 tokens for its text and 4 for the chat template. The others are counted.
    """
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    parent = (await builder.post(ada, conversation_id, "0" * 10)).posted.message_id
    for number in "1234":
        parent = (await builder.reply(ada, parent, number * 10)).posted.message_id
    answer = (await builder.reply(ada, parent, "5" * 10)).posted.message_id
    for limit, kept in ((21, "234"), (27, "234"), (28, "1234"), (3, "4"), (1_000, "01234")):
        prompt = await answers.list_prompt(builder.db, answer, limit)
        assert "".join(line.content[0] for line in prompt.messages) == kept
        assert prompt.omitted == 5 - len(kept)


async def test_the_system_prompt_counts_within_the_limit(builder: DatabaseBuilder) -> None:
    """A long one leaves less of the conversation."""
    ada, conversation_id, first = await begin(builder)
    await answers.finish_answer(
        builder.db, first, INSTANCE_ID, AnswerResult("first", "stop"), builder.now
    )
    second = (await builder.reply(ada, first, "and then?")).answer
    assert second is not None
    assert (await answers.list_prompt(builder.db, second.message_id, 100)).omitted == 0
    change = conversations.UpdateConversation(system_prompt="x" * 360)
    await conversations.update_conversation(builder.db, ada, conversation_id, change, builder.now)
    assert (await answers.list_prompt(builder.db, second.message_id, 100)).omitted == 2


async def test_sql_and_python_estimate_the_same_tokens(superuser: Any) -> None:
    """For all alphabets: the database cuts the prompt, the server reports its size."""
    for text in ("", "a", "four", "five!", "日本語", "Grüße", "🦀" * 7, "é" * 9):
        counted = await superuser.fetchval("SELECT rustygpt.estimate_tokens($1)", text)
        assert counted == estimate_tokens(text)


async def test_omitted_messages_are_kept_with_the_answer(builder: DatabaseBuilder) -> None:
    """The event of its end and later readers have the count."""
    ada, _, answer = await begin(builder)
    result = AnswerResult("text", "stop", omitted_messages=12)
    logged = await answers.finish_answer(builder.db, answer, INSTANCE_ID, result, builder.now)
    assert json.loads(logged[0].payload)["message"]["omitted_messages"] == 12
    assert (await messages.get_message(builder.db, ada, answer)).omitted_messages == 12


async def test_request_cancel_returns_the_state_and_the_process(builder: DatabaseBuilder) -> None:
    """The requester may cancel an answer and gets its process; afterwards, how the answer ended."""
    ada, _, answer = await begin(builder)
    cancel = await answers.request_cancel(builder.db, ada, answer, builder.now)
    assert cancel == answers.CancelOutcome("running", INSTANCE_ID)
    assert await answers.list_cancelled(builder.db, INSTANCE_ID) == [answer]
    await answers.finish_answer(
        builder.db, answer, INSTANCE_ID, AnswerResult("", "cancelled"), builder.now
    )
    cancel = await answers.request_cancel(builder.db, ada, answer, builder.now)
    assert cancel == answers.CancelOutcome("cancelled", None)
    assert await answers.list_cancelled(builder.db, INSTANCE_ID) == []


@pytest.mark.parametrize(
    ("reason", "state"), [("stop", "completed"), ("timeout", "timed_out"), ("error", "completed")]
)
async def test_request_cancel_after_the_end_returns_how_it_ended(
    builder: DatabaseBuilder, reason: Any, state: Any
) -> None:
    """A late request returns the state that the answer ended in."""
    ada, _, answer = await begin(builder)
    ending = AnswerResult("x", reason)
    await answers.finish_answer(builder.db, answer, INSTANCE_ID, ending, builder.now)
    cancel = await answers.request_cancel(builder.db, ada, answer, builder.now)
    assert cancel == answers.CancelOutcome(state, None)


async def test_only_the_requester_and_administrators_may_cancel(builder: DatabaseBuilder) -> None:
    """Other participants are refused; for non-participants the answer does not exist."""
    ada, bob, eve = [await builder.person(n) for n in ("ada", "bob", "eve")]
    conversation_id = await builder.conversation(ada, bob, mode="always")
    answer = (await builder.post(bob, conversation_id)).answer
    mine = (await builder.post(ada, conversation_id)).answer
    assert answer is not None
    assert mine is not None
    with pytest.raises(Forbidden):
        await answers.request_cancel(builder.db, bob, mine.message_id, builder.now)
    with pytest.raises(NotFound):
        await answers.request_cancel(builder.db, eve, mine.message_id, builder.now)
    cancel = await answers.request_cancel(builder.db, ada, answer.message_id, builder.now)
    assert cancel.state == "running"
    question = (await messages.get_message(builder.db, ada, answer.message_id)).parent_id
    assert question is not None
    cancel = await answers.request_cancel(builder.db, ada, question, builder.now)
    assert cancel.state == "not_tracked"


async def test_the_nearest_answer_above_is_found_until_it_is_finished(
    builder: DatabaseBuilder,
) -> None:
    """Through messages of users between them; other branches do not matter."""
    ada, _, first = await begin(builder)
    assert await answers.find_unfinished_ancestor(builder.db, first) is None
    reply = await builder.reply(ada, first)
    assert reply.answer is not None
    second = reply.answer.message_id
    assert await answers.find_unfinished_ancestor(builder.db, second) == first
    result = AnswerResult("done", "stop")
    await answers.finish_answer(builder.db, first, INSTANCE_ID, result, builder.now)
    assert await answers.find_unfinished_ancestor(builder.db, second) is None
    comment = (await builder.reply(ada, reply.posted.message_id)).posted.message_id
    below = (await builder.reply(ada, comment)).answer
    assert below is not None
    assert await answers.find_unfinished_ancestor(builder.db, below.message_id) is None
    last = (await builder.reply(ada, second)).answer
    assert last is not None
    assert await answers.find_unfinished_ancestor(builder.db, last.message_id) == second
