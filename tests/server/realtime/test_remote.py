"""Answers of other processes: their text without gaps, told after their message."""

import asyncio
from uuid import UUID

from tests.support.clocks import TestClock
from tests.support.ears import Notes, passage
from tests.support.event_log import ROOM, ListLog, make_hub, make_live_reader, waiting
from tests.support.waiting import until

from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.memory import Bus, MemoryBackplane
from rustygpt_server.realtime.reader import Reader
from rustygpt_server.realtime.remote import ASK_AGAIN_SECONDS, RemoteAnswers
from rustygpt_server.realtime.words import Over, Want


class _Here:
    """A hub with a reader, and what it asks of other processes."""

    def __init__(self) -> None:
        self.bus, self.ear, self.clock, self.log = Bus(), Notes(), TestClock(), ListLog()
        self.bus.join(MemoryBackplane(self.bus), self.ear)
        plane = MemoryBackplane(self.bus)
        self.hub: Hub = make_hub(self.log, self.clock, 64, plane)
        self.remote = RemoteAnswers(self.hub, self.clock)
        self.reader: Reader = make_live_reader(self.hub)[0]

    def told(self) -> bytes:
        """What waits for the reader."""
        return waiting(self.hub, self.reader)

    async def asked(self) -> list[object]:
        """What was said so far."""
        await asyncio.sleep(0)
        return list(self.ear.words)


async def test_text_comes_as_it_was_told() -> None:
    """Repeated text is not told again, new text is told from where it starts."""
    here = _Here()
    here.remote.add(passage(0, "once "))
    here.remote.add(passage(0, "once "))
    here.remote.add(passage(0, "once upon"))
    told = here.told()

    assert told == passage(0, "once upon").frame()
    assert [answer.whole() for answer in here.hub.answers(ROOM)] == [
        passage(0, "once upon").frame()
    ]
    assert await here.asked() == []


async def test_a_gap_is_asked_about_and_told_when_it_is_filled() -> None:
    """At most once a second; nothing is told beyond the gap."""
    here = _Here()
    here.remote.add(passage(5, "upon"))
    here.remote.add(passage(9, " a time"))
    assert await here.asked() == [Want(UUID(int=1))]
    here.clock.move(ASK_AGAIN_SECONDS)
    here.remote.add(passage(9, " a time"))
    assert len(await here.asked()) == 2
    assert here.told() == b""

    here.remote.add(passage(0, "once upon a time"))

    assert here.told() == passage(0, "once upon a time").frame()


async def test_text_waits_for_its_message() -> None:
    """Readers are not told of an answer whose beginning they have not been told."""
    here = _Here()
    here.log.add()
    here.hub.catch_up.note(ROOM, 1)
    here.remote.add(passage(0, "early"))
    assert here.told() == b""
    await until(lambda: len(here.reader.outbox) == 2)

    assert here.told().endswith(passage(0, "early").frame())


async def test_answers_end_or_are_forgotten() -> None:
    """By a word, or after a long silence when the word was lost."""
    here = _Here()
    here.remote.add(passage(0, "a"))
    here.remote.over(Over(ROOM, UUID(int=1)))
    here.remote.over(Over(ROOM, UUID(int=1)))
    assert here.hub.answers(ROOM) == []
    here.remote.add(passage(0, "a", message_id=UUID(int=5)))
    here.remote.forget_silent()
    assert len(here.hub.answers(ROOM)) == 1
    here.clock.move(here.hub.limits.silent_answer)
    here.remote.forget_silent()

    assert here.hub.answers(ROOM) == []


async def test_text_that_comes_after_the_end_is_late() -> None:
    """It brings no answer back to life."""
    here = _Here()
    here.remote.add(passage(0, "a"))
    here.remote.over(Over(ROOM, UUID(int=1)))
    here.remote.add(passage(1, "b"))

    assert here.hub.answers(ROOM) == []
