"""The states of answers of this process: never before the answer's message, never after its end."""

import asyncio
from uuid import UUID

from tests.support.components.backplanes import answer_delta, answer_status
from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness
from tests.support.wait import until

from rustygpt_server.assistant.answer import AnswerInProgress, AnswerTarget
from rustygpt_server.db.rows import EventRecord

_TARGET = AnswerTarget(UUID(int=1), CONVERSATION_ID, UUID(int=2), UUID(int=3), 2, "m")
_WAITING = answer_status("waiting").frame()


def _answer(harness: HubHarness) -> AnswerInProgress:
    """Return an answer that streams may join."""
    answer = AnswerInProgress(_TARGET, harness.hub, 0)
    harness.hub.register_answer(answer)
    return answer


async def test_a_state_is_sent_when_it_changes() -> None:
    """With the number of messages that were left out, once it is known."""
    harness = HubHarness()
    subscriber = harness.live_subscriber()
    answer = _answer(harness)
    answer.set_queued()
    answer.set_queued(2)
    answer.set_queued(2)
    answer.omitted_messages = 7
    answer.set_waiting()
    answer.set_writing(15)

    states = (
        answer_status("queued"),
        answer_status("queued", queue_position=2),
        answer_status("waiting", omitted_messages=7),
        answer_status("writing", first_token_ms=15, omitted_messages=7),
    )
    assert harness.queued_data(subscriber) == b"".join(state.frame() for state in states)
    assert answer.status_frame() == states[-1].frame()


async def test_a_state_waits_while_an_earlier_event_is_missing() -> None:
    """The answer's message was committed by another transaction, and waits for the one before."""
    harness = HubHarness()
    subscriber = harness.live_subscriber()
    first, second = harness.log.add(), harness.log.add()
    harness.hub.publish(CONVERSATION_ID, [second])
    answer = _answer(harness)
    answer.set_waiting()
    assert harness.queued_data(subscriber) == b""
    harness.hub.publish(CONVERSATION_ID, [first])

    data = harness.queued_data(subscriber)
    assert data.endswith(_WAITING)
    assert data.count(b"event: error") == 2


async def test_a_stream_that_joins_meanwhile_gets_the_state_later() -> None:
    """It has caught up with what was delivered, and lacks the answer's message, too."""
    harness = HubHarness()
    stream = harness.follow()
    await stream.wait_until_live()
    first, second = harness.log.add(), harness.log.add()
    harness.log.unavailable = True
    harness.hub.publish(CONVERSATION_ID, [second])
    answer = _answer(harness)
    answer.set_waiting()
    late = harness.follow("evt_0")
    await late.wait_until_live()
    assert _WAITING not in stream.sink.data + late.sink.data
    harness.hub.publish(CONVERSATION_ID, [first])
    await until(lambda: _WAITING in stream.sink.data and _WAITING in late.sink.data)

    for one in (stream, late):
        assert one.numbers == [1, 2]
        await one.close()


async def test_a_stream_that_joins_gets_state_and_text() -> None:
    """Of an answer without text the state alone."""
    harness = HubHarness()
    answer = _answer(harness)
    answer.set_waiting()
    stream = harness.follow()
    await stream.wait_until_live()
    harness.hub.deliver_delta(answer_delta(0, "text"))
    await asyncio.sleep(0)

    assert stream.sink.data.endswith(_WAITING + answer_delta(0, "text").frame())
    await stream.close()


async def test_a_slow_stream_gets_the_state_again() -> None:
    """Its queue is full, and the state was dropped."""
    harness = HubHarness(capacity=8)
    stream = harness.follow()
    await stream.wait_until_live()
    answer = _answer(harness)
    stream.sink.set_full(True)
    for _ in range(9):
        harness.hub.broadcast(CONVERSATION_ID, b"event: y\n\n")
    answer.set_waiting()
    await asyncio.sleep(0)
    stream.sink.set_full(False)
    await stream.wait_until_live()

    assert stream.sink.data.endswith(_WAITING)
    await stream.close()


async def test_nothing_follows_the_end_or_the_deletion() -> None:
    """A report of the queue may be late."""
    harness = HubHarness()
    subscriber = harness.live_subscriber()
    over, deleted = _answer(harness), _answer(harness)
    over.is_over = True
    over.set_waiting()
    payload = (
        '{"message":{"id":"00000000-0000-0000-0000-000000000001",'
        '"root_id":"00000000-0000-0000-0000-000000000002"},"change":"deleted"}'
    )
    harness.hub.publish(
        CONVERSATION_ID, [EventRecord(CONVERSATION_ID, 1, "message.updated", payload)]
    )
    harness.queued_data(subscriber)
    deleted.set_waiting()

    assert harness.queued_data(subscriber) == b""
