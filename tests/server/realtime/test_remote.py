"""Answers of other processes: their text without gaps, told after their message."""

import asyncio
from uuid import UUID

from tests.support.components.backplanes import RecordingListener, answer_delta
from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    MemoryEventLog,
    make_hub,
    make_live_subscriber,
    pending_data,
)
from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.realtime.backplane_messages import AnswerEnded, ResendRequest
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.memory import Bus, MemoryBackplane
from rustygpt_server.realtime.remote import RESEND_INTERVAL_SECONDS, RemoteAnswers
from rustygpt_server.realtime.subscriber import Subscriber


class _Here:
    """A hub with a reader, and what it asks of other processes."""

    def __init__(self) -> None:
        self.bus = Bus()
        self.ear = RecordingListener()
        self.clock = FakeClock()
        self.log = MemoryEventLog()
        self.bus.attach(MemoryBackplane(self.bus), self.ear)
        plane = MemoryBackplane(self.bus)
        self.hub: Hub = make_hub(self.log, self.clock, 64, plane)
        self.remote = RemoteAnswers(self.hub, self.clock)
        self.reader: Subscriber = make_live_subscriber(self.hub)[0]

    def told(self) -> bytes:
        """What waits for the reader."""
        return pending_data(self.hub, self.reader)

    async def asked(self) -> list[object]:
        """What was said so far."""
        await asyncio.sleep(0)
        return list(self.ear.messages)


async def test_text_comes_as_it_was_told() -> None:
    """Repeated text is not told again, new text is told from where it starts."""
    here = _Here()
    here.remote.add(answer_delta(0, "once "))
    here.remote.add(answer_delta(0, "once "))
    here.remote.add(answer_delta(0, "once upon"))
    told = here.told()

    assert told == answer_delta(0, "once upon").frame()
    assert [answer.full_text_frame() for answer in here.hub.answers(CONVERSATION_ID)] == [
        answer_delta(0, "once upon").frame()
    ]
    assert await here.asked() == []


async def test_a_gap_is_asked_about_and_told_when_it_is_filled() -> None:
    """At most once a second; nothing is told beyond the gap."""
    here = _Here()
    here.remote.add(answer_delta(5, "upon"))
    here.remote.add(answer_delta(9, " a time"))
    assert await here.asked() == [ResendRequest(UUID(int=1))]
    here.clock.advance(RESEND_INTERVAL_SECONDS)
    here.remote.add(answer_delta(9, " a time"))
    assert len(await here.asked()) == 2
    assert here.told() == b""

    here.remote.add(answer_delta(0, "once upon a time"))

    assert here.told() == answer_delta(0, "once upon a time").frame()


async def test_text_waits_for_its_message() -> None:
    """Readers are not told of an answer whose beginning they have not been told."""
    here = _Here()
    here.log.add()
    here.hub.catch_up.advance(CONVERSATION_ID, 1)
    here.remote.add(answer_delta(0, "early"))
    assert here.told() == b""
    await until(lambda: len(here.reader.send_queue) == 2)

    assert here.told().endswith(answer_delta(0, "early").frame())


async def test_answers_end_or_are_forgotten() -> None:
    """By a word, or after a long silence when the word was lost."""
    here = _Here()
    here.remote.add(answer_delta(0, "a"))
    here.remote.end(AnswerEnded(CONVERSATION_ID, UUID(int=1)))
    here.remote.end(AnswerEnded(CONVERSATION_ID, UUID(int=1)))
    assert here.hub.answers(CONVERSATION_ID) == []
    here.remote.add(answer_delta(0, "a", message_id=UUID(int=5)))
    here.remote.expire_silent()
    assert len(here.hub.answers(CONVERSATION_ID)) == 1
    here.clock.advance(here.hub.limits.remote_answer_ttl)
    here.remote.expire_silent()

    assert here.hub.answers(CONVERSATION_ID) == []


async def test_text_that_comes_after_the_end_is_late() -> None:
    """It brings no answer back to life."""
    here = _Here()
    here.remote.add(answer_delta(0, "a"))
    here.remote.end(AnswerEnded(CONVERSATION_ID, UUID(int=1)))
    here.remote.add(answer_delta(1, "b"))

    assert here.hub.answers(CONVERSATION_ID) == []
