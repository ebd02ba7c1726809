"""Answers of other processes: their text comes without gaps, and after their message."""

import asyncio
from uuid import UUID

from tests.support.components.backplanes import RecordingListener, answer_delta, answer_status
from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness
from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.realtime.backplane_messages import AnswerEnded, ResendRequest
from rustygpt_server.realtime.memory import Bus, MemoryBackplane
from rustygpt_server.realtime.remote import RESEND_INTERVAL_SECONDS


class LocalProcess:
    """A hub with one subscriber, and a listener for what it publishes."""

    def __init__(self) -> None:
        bus = Bus()
        self.listener = RecordingListener()
        bus.attach(MemoryBackplane(bus), self.listener)
        self.clock = FakeClock()
        self.harness = HubHarness(clock=self.clock, capacity=64, backplane=MemoryBackplane(bus))
        self.hub = self.harness.hub
        self.remote = self.harness.realtime.remote_answers
        self.subscriber = self.harness.live_subscriber()

    def queued_data(self) -> bytes:
        """Remove and return what is queued for the subscriber."""
        return self.harness.queued_data(self.subscriber)

    async def published(self) -> list[object]:
        """Return the messages that the process has published so far."""
        await asyncio.sleep(0)
        return list(self.listener.messages)


async def test_only_new_text_is_sent() -> None:
    """Repeated text is not sent again; new text is sent from where it starts."""
    process = LocalProcess()
    process.remote.add(answer_delta(0, "once "))
    process.remote.add(answer_delta(0, "once "))
    process.remote.add(answer_delta(0, "once upon"))

    assert process.queued_data() == answer_delta(0, "once upon").frame()
    (answer,) = process.hub.answers(CONVERSATION_ID)
    assert answer.full_text_frame() == answer_delta(0, "once upon").frame()
    assert await process.published() == []


async def test_text_after_a_gap_is_requested_and_sent_once_the_gap_is_filled() -> None:
    """It is requested at most once a second; nothing is sent beyond the gap."""
    process = LocalProcess()
    process.remote.add(answer_delta(5, "upon"))
    process.remote.add(answer_delta(9, " a time"))
    assert await process.published() == [ResendRequest(UUID(int=1))]
    process.clock.advance(RESEND_INTERVAL_SECONDS)
    process.remote.add(answer_delta(9, " a time"))
    assert len(await process.published()) == 2
    assert process.queued_data() == b""

    process.remote.add(answer_delta(0, "once upon a time"))

    assert process.queued_data() == answer_delta(0, "once upon a time").frame()


async def test_text_waits_for_its_message() -> None:
    """Subscribers get no text of an answer before the event that created it."""
    process = LocalProcess()
    process.harness.log.add()
    process.harness.catch_up.advance(CONVERSATION_ID, 1)
    process.remote.add(answer_delta(0, "early"))
    assert process.queued_data() == b""
    await until(lambda: len(process.subscriber.send_queue) == 2)

    assert process.queued_data().endswith(answer_delta(0, "early").frame())


async def test_answers_end_by_a_message_or_by_silence() -> None:
    """An answer whose end was lost is forgotten after a long time without text."""
    process = LocalProcess()
    process.remote.add(answer_delta(0, "a"))
    process.remote.end(AnswerEnded(CONVERSATION_ID, UUID(int=1)))
    process.remote.end(AnswerEnded(CONVERSATION_ID, UUID(int=1)))
    assert process.hub.answers(CONVERSATION_ID) == []
    process.remote.add(answer_delta(0, "a", message_id=UUID(int=5)))
    process.remote.expire_silent()
    assert len(process.hub.answers(CONVERSATION_ID)) == 1
    process.clock.advance(process.harness.limits.remote_answer_ttl)
    process.remote.expire_silent()

    assert process.hub.answers(CONVERSATION_ID) == []


async def test_text_after_the_end_is_ignored() -> None:
    """A late delta does not start the answer again."""
    process = LocalProcess()
    process.remote.add(answer_delta(0, "a"))
    process.remote.end(AnswerEnded(CONVERSATION_ID, UUID(int=1)))
    process.remote.add(answer_delta(1, "b"))

    assert process.hub.answers(CONVERSATION_ID) == []


async def test_the_latest_state_is_sent_and_kept_for_streams_that_join() -> None:
    """Also for an answer without text; a repeated state is not sent again."""
    process = LocalProcess()
    process.remote.set_status(answer_status("queued", queue_position=2))
    process.remote.set_status(answer_status("queued", queue_position=2))
    process.remote.set_status(answer_status("waiting"))

    expected = (answer_status("queued", queue_position=2), answer_status("waiting"))
    assert process.queued_data() == b"".join(status.frame() for status in expected)
    (answer,) = process.hub.answers(CONVERSATION_ID)
    assert answer.status_frame() == answer_status("waiting").frame()
    assert answer.full_text_frame() is None
    process.remote.add(answer_delta(0, "once"))
    assert answer.full_text_frame() == answer_delta(0, "once").frame()


async def test_a_state_waits_for_its_message() -> None:
    """Only the latest one is sent then, before the text."""
    process = LocalProcess()
    process.harness.log.add()
    process.harness.catch_up.advance(CONVERSATION_ID, 1)
    process.remote.set_status(answer_status("waiting"))
    process.remote.set_status(answer_status("writing", first_token_ms=5))
    process.remote.add(answer_delta(0, "early"))
    assert process.queued_data() == b""
    await until(lambda: len(process.subscriber.send_queue) == 3)
    data = process.queued_data()

    written = answer_status("writing", first_token_ms=5).frame()
    assert data.endswith(written + answer_delta(0, "early").frame())
    assert data.count(b"event: answer.status") == 1


async def test_a_state_after_the_end_is_ignored() -> None:
    """A late message does not start the answer again."""
    process = LocalProcess()
    process.remote.set_status(answer_status())
    process.remote.end(AnswerEnded(CONVERSATION_ID, UUID(int=1)))
    process.queued_data()
    process.remote.set_status(answer_status("writing", first_token_ms=1))

    assert process.queued_data() == b""
    assert process.hub.answers(CONVERSATION_ID) == []
